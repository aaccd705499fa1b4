"""Which items compete in a ranking: the candidates, without the items of the input."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import right_padded


def candidate_items(histories: Histories, items: int, described_items: np.ndarray) -> Tensor:
    """Items that may be recommended, for validation, evaluation and the bundle alike.

    These are the items that have an event, and those that the model knows by their text
    (`described_items`). An item of which nothing is known is none: it would score as the unknown
    item does, before items that people did choose.  # (items,) bool
    """
    return candidate_mask(items, np.concatenate([histories.items, described_items]))


def candidate_mask(items: int, listed: np.ndarray) -> Tensor:
    """The listed items, never PAD or UNK.  # (items,) bool"""
    mask = torch.zeros(items, dtype=torch.bool)
    mask[torch.from_numpy(listed.astype(np.int64))] = True
    mask[:FIRST_ITEM] = False
    return mask


def mask_excluded(
    scores: Tensor, histories: Histories, rows: np.ndarray, stops: np.ndarray, candidates: Tensor
) -> None:
    """Set the scores (B, I) of items that must not be ranked to -inf, in place.

    These are all but the candidates (I,), and the items of the input `items[:stops]` where the
    protocol excludes them.
    """
    scores[:, ~candidates] = -torch.inf
    if histories.protocol.exclude_seen:
        seen = torch.from_numpy(right_padded(histories, rows, stops, int(stops.max())))
        scores.scatter_(1, seen, -torch.inf)
