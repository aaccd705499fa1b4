"""The ensemble that students imitate: the teacher, the model whose item table it starts from, and further seeds of that model.

Models of one kind and different seeds err differently, so the mean of their scores ranks better than any of them, and a single
student can learn most of it (Hinton et al. 2015, arXiv 1503.02531; why: Allen-Zhu and Li 2023, arXiv 2012.09816). The mean of
scores is the logarithm of the geometric mean of the models' shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slmrec.files import read_json, write_json
from slmrec.models import SequenceModel, embedding_model, load_model, save_model
from slmrec.scoring import Scorer


def save_members(folder: Path, members: dict[int, SequenceModel]) -> None:
    """Write models by seed into `folder`, and members.json, which says which there are."""
    for seed, model in members.items():
        save_model(model, folder / str(seed))
    write_json(folder / "members.json", {"seeds": list(members)})


def load_members(folder: Path) -> list[SequenceModel]:
    """What `save_members` wrote, in its order."""
    return [load_model(folder / str(seed)) for seed in read_json(folder / "members.json")["seeds"]]


def beside_teacher(item_vectors: Path, ensemble: Path) -> list[SequenceModel]:
    """All of the ensemble but the teacher; nobody where no further seeds were asked for (embed_items.ensemble_seeds)."""
    members = load_members(ensemble)
    return [load_model(embedding_model(item_vectors)), *members] if members else []


class EnsembleScorer:
    """Scores histories with the mean of several scorers."""

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self.scorers = scorers

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores (len(rows), I) of the histories `items[:stops]` of the users in `rows`."""
        return torch.stack([scorer.score(rows, stops) for scorer in self.scorers]).mean(dim=0)
