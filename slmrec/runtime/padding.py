"""Histories of different lengths as one array, as the graph wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slmrec.core.vocabulary import PAD


def pad_rows(rows: Sequence[Sequence[int] | np.ndarray]) -> np.ndarray:
    """Rows of item indices, right-padded; at least one position wide.  # (B, T) int64"""
    padded = np.full((len(rows), max([1, *map(len, rows)])), PAD, dtype=np.int64)
    for row, items in enumerate(rows):
        padded[row, : len(items)] = items
    return padded
