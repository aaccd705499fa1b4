"""Anything that scores every item for a history: a model, or the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import PAD
from slmrec.dataset.batches import right_padded
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel


class Scorer(Protocol):
    """Scores every item (len(rows), I) for the histories `items[:stops]` of the users in `rows`."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor: ...


class ModelScorer:
    """Scores histories with a model: the user vector of the newest items against the folded item table, and each item's bonus."""

    def __init__(self, model: SequenceModel, histories: Histories) -> None:
        self.model = model.eval()
        self.histories = histories
        with torch.inference_mode():
            self.table, self.bonuses = (
                model.item_embedding.folded(),
                model.item_embedding.bonuses(),
            )  # (I, E), (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        # Ranking is counting, on the CPU wherever the model computes.
        return torch.addmm(
            self.bonuses, self.user_vectors(rows, stops), self.table.T
        ).cpu()  # (B, I)

    def user_vectors(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """User vectors of the inputs.  # (B, E)"""
        device = self.table.device
        items = right_padded(self.histories, rows, stops, self.model.max_length)
        with torch.inference_mode():
            vectors = self.model(torch.from_numpy(items).to(device))  # (B, T, E)
            last = torch.from_numpy((items != PAD).sum(axis=1) - 1).to(device)
            return vectors[torch.arange(len(last), device=device), last]


class EnsembleScorer:
    """Scores histories with the mean of several scorers."""

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self.scorers = scorers

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores (len(rows), I) of the histories `items[:stops]` of the users in `rows`."""
        return torch.stack([scorer.score(rows, stops) for scorer in self.scorers]).mean(dim=0)
