"""Rows of different lengths, and how they become the padded batches that the graph wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slmrec.core.vocabulary import PAD


@dataclass(frozen=True)
class Ragged:
    """B rows of item indices in one array; row b is values[starts[b] : starts[b] + lengths[b]]."""

    values: np.ndarray  # (N,) int64
    starts: np.ndarray  # (B,) int64
    lengths: np.ndarray  # (B,) int64

    @classmethod
    def joined(cls, values: np.ndarray, lengths: np.ndarray) -> Ragged:
        """Rows that follow each other in `values` without gaps."""
        return cls(values, np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def of_padded(cls, rows: np.ndarray) -> Ragged:
        """The rows of an array (B, T) without the padding on their right; nothing is copied."""
        batch, width = rows.shape
        lengths = ((rows != PAD) * np.arange(1, width + 1)).max(axis=1, initial=0)
        return cls(rows.reshape(-1), np.arange(batch) * width, lengths)

    def repeated(self, rows: int) -> Ragged:
        """The only row, `rows` times."""
        return Ragged(self.values, self.starts.repeat(rows), self.lengths.repeat(rows))

    def newest(self, most: int) -> Ragged:
        """Each row's last `most` items."""
        kept = np.minimum(self.lengths, most)
        return Ragged(self.values, self.starts + self.lengths - kept, kept)

    def padded(self, rows: np.ndarray, least: int) -> np.ndarray:
        """The rows numbered `rows`, right-padded, at least `least` wide.  # (len(rows), T) int64"""
        if len(rows) == 1:
            return self._padded_row(rows[0], least)
        lengths = self.lengths[rows]
        width = max(least, int(lengths.max(initial=0)))
        if not len(self.values):
            return np.full((len(rows), width), PAD, dtype=np.int64)
        columns = np.arange(width)
        batch = self.values.take(self.starts[rows][:, None] + columns, mode="clip")
        batch[columns >= lengths[:, None]] = PAD
        return batch

    def _padded_row(self, row: int, least: int) -> np.ndarray:
        """The same of one row, without arithmetic on columns: services often ask for one user."""
        start, length = self.starts[row], self.lengths[row]
        items = self.values[start : start + length]
        missing = least - length
        return (items if missing <= 0 else np.append(items, [PAD] * missing))[None]


def batches_by_length(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Row numbers in batches of at most `size`, shortest rows first: little of one is padding."""
    order = np.argsort(lengths, kind="stable") if len(lengths) > 1 else np.arange(len(lengths))
    return [order[first : first + size] for first in range(0, len(order), size)]


def side_by_side(parts: Sequence[Ragged], rows: np.ndarray) -> np.ndarray:
    """The rows numbered `rows` of several parts, one beside the other, for `exclude`.  # (B, X)"""
    if not parts:
        return np.zeros((len(rows), 0), dtype=np.int64)
    if len(parts) == 1:
        return parts[0].padded(rows, least=0)
    return np.concatenate([part.padded(rows, least=0) for part in parts], axis=1)
