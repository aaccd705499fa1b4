"""Baselines that need no training: what a model has to beat before anything else is claimed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.core.tables import DAY_US
from slmrec.dataset.histories import Histories


class Popularity:
    """Scores items by their training events: all of them, or those of the newest days."""

    def __init__(self, histories: Histories, items: int, recent_days: int | None) -> None:
        trained, times = histories.training_items(), histories.training_times()
        if recent_days is not None:
            trained = trained[times > times.max() - recent_days * DAY_US]
        self.counts = torch.from_numpy(np.bincount(trained, minlength=items)).float()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        return self.counts.repeat(len(rows), 1)  # (B, I)


class LastItemTransition:
    """Scores items by how often they followed the input's last item in training.

    Among items that followed equally often, or never, the more popular one scores higher.
    """

    def __init__(self, histories: Histories, items: int) -> None:
        self.histories = histories
        self.items = items
        current, following = _transitions(histories)
        order = np.argsort(current, kind="stable")
        self.following = following[order]
        self.bounds = np.searchsorted(current[order], np.arange(items + 1))
        counts = np.bincount(histories.training_items(), minlength=items)
        # Less than 1, what a single transition adds: popularity decides between ties alone.
        self.popularity = torch.from_numpy(counts / (counts.max() + 1)).float()  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        scores = self.popularity.repeat(len(rows), 1)  # (B, I)
        last_items = self.histories.items[self.histories.offsets[rows] + stops - 1]
        for line, item in enumerate(last_items.tolist()):
            followers = self.following[self.bounds[item] : self.bounds[item + 1]]
            scores[line] += torch.from_numpy(np.bincount(followers, minlength=self.items)).float()
        return scores


def _transitions(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Each training event that has a next one: its item, and the item that followed."""
    windows = [histories.history(*bounds) for bounds in histories.window_bounds()]
    empty = np.empty(0, dtype=np.int64)  # for logs without a single window
    current = np.concatenate([empty, *(window[:-1] for window in windows)])
    following = np.concatenate([empty, *(window[1:] for window in windows)])
    return current, following
