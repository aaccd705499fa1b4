"""Lists of item indices as lists of items, with their external ids and titles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.runtime.answers import Recommendation
from slmrec.runtime.comparison import TopK
from slmrec.runtime.items import ServedItems


class ItemNames:
    """External ids and titles, looked up by item index."""

    def __init__(self, items: ServedItems) -> None:
        self._ids, self._titles = _by_index(items.ids), _by_index(items.titles)

    def lists(self, top: TopK) -> list[list[Recommendation]]:
        """Each row of `top` as a list, without the padding that ends it."""
        rows = zip(
            self._ids[top.items].tolist(),
            self._titles[top.items].tolist(),
            top.scores.tolist(),
            (top.items != PAD).sum(axis=1).tolist(),  # padding ends a row
            strict=True,
        )
        return [
            list(map(Recommendation, ids[:length], titles[:length], scores[:length]))
            for ids, titles, scores, length in rows
        ]


def _by_index(values: Sequence[str | None]) -> np.ndarray:
    """Values of items in an array that item indices look up; PAD and UNK have None.  # (I,)"""
    array = np.full(len(values) + FIRST_ITEM, None, dtype=object)
    array[FIRST_ITEM:] = values
    return array
