"""Anything that scores every item for a history: a model, or the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import at_last_positions, right_padded
from slmrec.models.factory import SequenceModel


class Scorer(Protocol):
    """Scores every item (B, I) for B inputs: `items[:stop]` of the user in each of `rows`."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor: ...


class ModelScorer:
    """Scores histories with a model.

    A score is the product of the user vector, read from the newest items, and the item's vector,
    plus the item's bonus.
    """

    def __init__(self, model: SequenceModel, histories: Histories) -> None:
        self.model = model.eval()
        self.histories = histories
        with torch.inference_mode():
            self.table = model.item_embedding.folded()  # (I, E)
            self.bonuses = model.item_embedding.bonuses()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        scores = torch.addmm(self.bonuses, self.user_vectors(rows, stops), self.table.T)  # (B, I)
        return scores.cpu()  # wherever the model computes: to rank is to compare and count

    def user_vectors(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """User vectors of the inputs.  # (B, E)"""
        newest = right_padded(self.histories, rows, stops, self.model.max_length)
        items = torch.from_numpy(newest).to(self.table.device)  # (B, T)
        with torch.inference_mode():
            return at_last_positions(self.model(items), items)


class EnsembleScorer:
    """Scores histories with the mean of several scorers."""

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self.scorers = scorers

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        return torch.stack([scorer.score(rows, stops) for scorer in self.scorers]).mean(dim=0)
