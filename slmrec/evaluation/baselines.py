"""Baselines that need no training: what a model has to beat before anything else is claimed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories

DAY_MICROSECONDS = 86_400_000_000


class Popularity:
    """Scores items by how often they were trained on, in all or within the newest days before the cut."""

    def __init__(self, histories: Histories, items: int, recent_days: int | None) -> None:
        trained, times = histories.training_items(), histories.training_times()
        if recent_days is not None:
            trained = trained[times > times.max() - recent_days * DAY_MICROSECONDS]
        self.counts = torch.from_numpy(np.bincount(trained, minlength=items)).float()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        return self.counts.repeat(len(rows), 1)  # (B, I)


class LastItemTransition:
    """Scores items by how often they followed the last item in training; ties fall to the more popular one."""

    def __init__(self, histories: Histories, items: int) -> None:
        self.histories = histories
        self.items = items
        before, after = _steps(histories)
        order = np.argsort(before, kind="stable")
        self.after = after[order]
        self.bounds = np.searchsorted(before[order], np.arange(items + 1))
        popularity = np.bincount(histories.training_items(), minlength=items)
        self.below_one = torch.from_numpy(popularity / (popularity.max() + 1)).float()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        scores = self.below_one.repeat(len(rows), 1)  # (B, I)
        last = self.histories.items[self.histories.offsets[rows] + stops - 1]
        for line, item in enumerate(last.tolist()):
            followers = self.after[self.bounds[item] : self.bounds[item + 1]]
            scores[line] += torch.from_numpy(np.bincount(followers, minlength=self.items)).float()
        return scores


def _steps(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Each training step from an item to the next one."""
    pieces = [histories.history(row, start, stop) for row, start, stop in histories.window_bounds()]
    empty = np.empty(0, dtype=np.int64)
    before = np.concatenate([empty, *(piece[:-1] for piece in pieces)])
    after = np.concatenate([empty, *(piece[1:] for piece in pieces)])
    return before, after
