"""The ensemble that students imitate: the teacher, the model it starts from, and further seeds.

Models of one kind and different seeds err differently, so the mean of their scores ranks better
than any of them, and a single student can learn most of it (Hinton et al. 2015, arXiv 1503.02531;
why: Allen-Zhu and Li 2023, arXiv 2012.09816). The mean of scores is, up to a constant, the
logarithm of the geometric mean of the models' probabilities.
"""

from __future__ import annotations

from pathlib import Path

from slmrec.core.files import read_json, write_json
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import load_model, save_model


def save_members(ensemble_dir: Path, members: dict[int, SequenceModel]) -> None:
    """Write the members of an ensemble other than the teacher, by number, and members.json.

    members.json lists their numbers in order; without members the list is empty.
    """
    for number, model in members.items():
        save_model(model, ensemble_dir / str(number))
    write_json(ensemble_dir / "members.json", {"members": list(members)})


def load_members(ensemble_dir: Path) -> list[SequenceModel]:
    """What `save_members` wrote, in its order."""
    numbers = read_json(ensemble_dir / "members.json")["members"]
    return [load_model(ensemble_dir / str(number)) for number in numbers]
