"""Which windows form a batch: those of similar length, so that little is computed for padding."""

from __future__ import annotations

import numpy as np

from slmrec.dataset.histories import Histories


def batches_of_epoch(
    histories: Histories, positions_per_batch: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Rows of the windows of each batch: batches in random order, each of similar lengths.

    A batch holds at most `positions_per_batch` positions, padding included. The same (seed, epoch)
    gives the same batches.
    """
    random = np.random.default_rng((seed, epoch))
    lengths = histories.windows.positions
    shuffled = random.permutation(len(lengths))
    groups = grouped_by_length(shuffled, lengths[shuffled], positions_per_batch)
    return [groups[index] for index in random.permutation(len(groups))]


def grouped_by_length(
    rows: np.ndarray, lengths: np.ndarray, positions_per_batch: int
) -> list[np.ndarray]:
    """`rows` in groups of similar length, each at most that many positions, padding included."""
    order = np.argsort(lengths, kind="stable")
    return np.split(rows[order], _group_starts(lengths[order], positions_per_batch))


def _group_starts(ascending: np.ndarray, positions_per_batch: int) -> list[int]:
    """Where to cut ascending lengths so that rows x longest stays within the budget."""
    starts, first = [], 0
    for index, length in enumerate(ascending.tolist()):
        if index > first and (index - first + 1) * length > positions_per_batch:
            starts.append(index)
            first = index
    return starts
