"""Rows of sparse matrices: the best entries of each, and blocks of rows of bounded work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix


def row_blocks(work: np.ndarray, at_once: int) -> Iterator[slice]:
    """Consecutive rows whose `work` (R,) is together at most `at_once`, or one row."""
    done = np.cumsum(work)
    bounds = [0]
    while bounds[-1] < len(work):
        before = done[bounds[-1] - 1] if bounds[-1] else 0
        fitting = int(np.searchsorted(done, before + at_once, side="right"))
        bounds.append(max(fitting, bounds[-1] + 1))
    yield from (slice(start, stop) for start, stop in pairwise(bounds))


def row_numbers(matrix: csr_matrix) -> np.ndarray:
    """The row of each stored entry.  # (nnz,) int64"""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def best_per_row(matrix: csr_matrix, count: int) -> csr_matrix:
    """The `count` largest entries of each row; of equal ones those of lower columns.

    Entries that are not positive are dropped.
    """
    matrix.sum_duplicates()  # sorts the columns too, so that the first of equal entries are lower
    keep = matrix.data > 0
    for row in np.flatnonzero(np.diff(matrix.indptr) > count):
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        keep[entries] &= _largest(matrix.data[entries], count)
    indptr = np.concatenate([[0], np.cumsum(keep)])[matrix.indptr]
    return csr_matrix((matrix.data[keep], matrix.indices[keep], indptr), shape=matrix.shape)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Which of more than `count` values are its `count` largest, the first of equal ones."""
    least = np.partition(values, len(values) - count)[len(values) - count]
    above, equal = values > least, values == least
    return above | (equal & (np.cumsum(equal) <= count - above.sum()))
