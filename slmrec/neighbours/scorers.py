"""Neighbours as scorers: alone, as a baseline, and joined to a model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import last_positions, right_padded
from slmrec.neighbours.blend import NeighbourScores, SparseRows, newest_first
from slmrec.neighbours.table import Neighbours
from slmrec.ranking.scorers import Scorer

# Of the least popular to the most popular item: less than any neighbour's weight in a list of ten.
POPULARITY_SHARE = 1e-6


class NeighbourScorer:
    """Scores items by their sums in one table; popularity decides among equals and the rest."""

    def __init__(
        self, neighbours: Neighbours, source: str, decay: float, histories: Histories
    ) -> None:
        self.rows = SparseRows(neighbours.tables[source])
        self.decays = decay ** torch.arange(float(neighbours.newest))  # (R,)
        self.histories = histories
        counts = np.bincount(histories.training_items(), minlength=len(self.rows.items))
        shares = POPULARITY_SHARE * counts / (counts.max() + 1)
        self.popularity = torch.from_numpy(shares).float()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores of every item.  # (B, I)"""
        recent = recent_items(self.histories, rows, stops, len(self.decays))
        neighbours, weights = self.rows(recent, self.decays)
        return self.popularity.repeat(len(rows), 1).scatter_add(1, neighbours, weights)


class BlendScorer:
    """Scores items with a model, and what neighbours add to it."""

    def __init__(
        self, scorer: Scorer, neighbour_scores: NeighbourScores, histories: Histories
    ) -> None:
        self.scorer = scorer
        self.neighbour_scores = neighbour_scores
        self.histories = histories
        self.newest = min(len(neighbour_scores.decays), histories.protocol.max_length)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores of every item.  # (B, I)"""
        items = torch.from_numpy(right_padded(self.histories, rows, stops, self.newest))
        return self.neighbour_scores(self.scorer.score(rows, stops), items, last_positions(items))


def recent_items(histories: Histories, rows: np.ndarray, stops: np.ndarray, count: int) -> Tensor:
    """The newest items of each input, the newest first.  # (B, R) int64"""
    longest = min(count, histories.protocol.max_length)  # that a model reads
    items = torch.from_numpy(right_padded(histories, rows, stops, longest))
    return newest_first(items, last_positions(items), count)
