"""Parts of the test targets that a report shows apart: the hard ones."""

from __future__ import annotations

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, Targets
from slmrec.params.evaluate import EvaluateParams


def target_slices(
    histories: Histories, targets: Targets, items: int, p: EvaluateParams
) -> dict[str, np.ndarray]:
    """Masks over N targets: short inputs, tail items, new items.  # each (N,) bool

    Tail items are the least popular ones that have `p.tail_share` of all training events
    together; new items have no training event.
    """
    counts = np.bincount(histories.training_items(), minlength=items)  # (I,)
    target_counts = counts[histories.target_items(targets)]  # (N,)
    return {
        "short_history": targets.input_stop <= p.short_history,
        "tail_items": (target_counts > 0) & (target_counts <= _tail_limit(counts, p.tail_share)),
        "new_items": target_counts == 0,
    }


def _tail_limit(counts: np.ndarray, share: float) -> int:
    """The greatest number of training events that an item of the tail has."""
    rising = np.sort(counts[FIRST_ITEM:][counts[FIRST_ITEM:] > 0])
    tail_size = int(np.searchsorted(np.cumsum(rising), share * rising.sum(), side="right"))
    return int(rising[max(tail_size - 1, 0)])
