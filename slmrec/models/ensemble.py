"""The ensemble that students imitate: the teacher, the model whose item table it starts from, and further seeds of that model.

Models of one kind and different seeds err differently, so the mean of their scores ranks better
than any of them, and a single student can learn most of it (Hinton et al. 2015, arXiv 1503.02531;
why: Allen-Zhu and Li 2023, arXiv 2012.09816). The mean of scores is the logarithm of the geometric
mean of the models' shares.
"""

from __future__ import annotations

from pathlib import Path

from slmrec.core.files import read_json, write_json
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import load_model, save_model


def save_members(folder: Path, members: dict[int, SequenceModel]) -> None:
    """Write all of an ensemble but the teacher into `folder`, by number, and members.json, which says which there are, if any."""
    for number, model in members.items():
        save_model(model, folder / str(number))
    write_json(folder / "members.json", {"members": list(members)})


def load_members(folder: Path) -> list[SequenceModel]:
    """What `save_members` wrote, in its order."""
    return [
        load_model(folder / str(number)) for number in read_json(folder / "members.json")["members"]
    ]
