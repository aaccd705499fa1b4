"""External ids as item indices: looked up all at once, unknown ones counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from slmrec.core.vocabulary import UNK
from slmrec.runtime.ragged import Ragged
from slmrec.runtime.requests import Rows, check_ids


@dataclass(frozen=True)
class LookedUp:
    """Rows of ids as item indices, UNK where an id is unknown."""

    indices: Ragged
    unknown: list[str]  # the ids that are unknown, in the order they were given


def look_up(rows: Rows, index: Mapping[str, int], name: str) -> LookedUp:
    """The item indices of rows of ids; `name` is what the caller called them.

    Raises UsageError for an id that is no text.
    """
    flat = list(chain.from_iterable(rows))
    try:
        values = np.fromiter(map(index.get, flat, repeat(UNK)), np.int64, len(flat))
    except TypeError:  # an id that is a list, say, cannot be looked up at all
        check_ids(rows, name)
        raise
    # Known ids are text, so only the others can be anything else: nearly no id is looked at twice.
    unknown = [flat[place] for place in np.flatnonzero(values == UNK)]
    if not all(isinstance(item, str) for item in unknown):
        check_ids(rows, name)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    return LookedUp(Ragged.joined(values, lengths), unknown)
