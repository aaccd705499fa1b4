"""Right-padded rows: which positions hold an item, which is the last of them, and how rows are cut.

Padding stands on the right, so that causal models need no mask: no item reads a pad after it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories


def real_positions(items: Tensor) -> Tensor:
    """The padding mask of item indices (B, T): True where there is an item.  # (B, T) bool"""
    return items != PAD


def last_positions(items: Tensor) -> Tensor:
    """The last real position of each right-padded row of items (B, T).  # (B,) int64"""
    return real_positions(items).sum(dim=1) - 1


def at_last_positions(states: Tensor, items: Tensor) -> Tensor:
    """States (B, T, D) at the last real position of each row of items (B, T).  # (B, D)"""
    return states[torch.arange(len(items), device=items.device), last_positions(items)]


def padded_slices(first: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right-padded indices of slices of a flat array, T being the longest of them.

    Row b has the indices `first[b]`, `first[b] + 1`, ..., `lengths[b]` of them, and 0 for padding.
    The mask says which of them are real.  # (B, T) int64, (B, T) bool
    """
    steps = np.arange(lengths.max())  # (T,)
    real = steps < lengths[:, None]  # (B, T)
    return np.where(real, first[:, None] + steps, 0), real


def right_padded(
    histories: Histories, rows: np.ndarray, stops: np.ndarray, max_length: int
) -> np.ndarray:
    """The newest `max_length` items before each stop, oldest first.  # (N, T) int64"""
    starts = np.maximum(stops - max_length, 0)
    indices, real = padded_slices(histories.offsets[rows] + starts, stops - starts)
    return np.where(real, histories.items[indices], PAD)
