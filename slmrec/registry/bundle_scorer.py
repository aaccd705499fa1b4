"""A bundle as a scorer of histories that number their items in another bundle's way."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM, UNK
from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import right_padded
from slmrec.runtime import Recommender
from slmrec.runtime.items import CANDIDATES, ServedItems


class BundleScorer:
    """Scores the items of `items`, which number the histories, by a bundle's graph.

    Items that the bundle does not know are read as unknown and score -inf: it cannot recommend
    them. Items that it alone knows follow as further columns, since they take places in its lists.
    """

    def __init__(self, recommender: Recommender, histories: Histories, items: ServedItems) -> None:
        self.recommender = recommender
        self.histories = histories
        own = recommender.items
        reserved = range(FIRST_ITEM)
        # From an index of the histories to the bundle's own.  # (I,)
        self.own_index = np.array([*reserved, *(own.index.get(item, UNK) for item in items.ids)])
        alone = [item for item in own.ids if item not in items.index]
        column = dict(zip(alone, range(items.rows, items.rows + len(alone)), strict=True))
        column |= items.index
        self.column = np.array([*reserved, *(column[item] for item in own.ids)])
        self.columns = items.rows + len(alone)

    def candidates(self) -> Tensor:
        """Which columns the bundle can recommend.  # (columns,) bool"""
        mask = torch.zeros(self.columns, dtype=torch.bool)
        statuses = self.recommender.items.statuses
        mask[self.column[FIRST_ITEM:][[status in CANDIDATES for status in statuses]]] = True
        return mask

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores of every column; what the graph never recommends has -inf.  # (B, columns)"""
        # Histories go in whole: cutting them to the model's length is the graph's work.
        history = self.own_index[right_padded(self.histories, rows, stops, int(stops.max()))]
        nothing = np.zeros((len(rows), 0), dtype=np.int64)
        top = self.recommender.recommend_indices(history, nothing, self.recommender.largest_k)
        scores = np.full((len(rows), self.columns), -np.inf, dtype=np.float32)
        np.put_along_axis(scores, self.column[top.items], top.scores, axis=1)
        return torch.from_numpy(scores)
