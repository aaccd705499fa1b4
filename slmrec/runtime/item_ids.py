"""External ids as item indices: looked up all at once, unknown ones counted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import UNK
from slmrec.runtime.answers import UnknownIds, UnknownItemsWarning
from slmrec.runtime.ragged import Ragged
from slmrec.runtime.requests import UNKNOWN_ADVICE, Rows, check_ids


@dataclass(frozen=True)
class LookedUp:
    """Rows of ids as item indices, UNK where an id is unknown."""

    indices: Ragged
    unknown: list[str]  # the ids that are unknown, in the order they were given

    def unknown_of_rows(self) -> np.ndarray:
        """How many ids of each row are unknown.  # (B,) int64"""
        rows = np.arange(len(self.indices.lengths)).repeat(self.indices.lengths)
        return np.bincount(rows[self.indices.values == UNK], minlength=len(self.indices.lengths))


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


class IdReader:
    """Looks ids up for one recommender, and says what becomes of unknown ones."""

    def __init__(self, index: Mapping[str, int]) -> None:
        self._index = index
        self._has_warned = False

    def read(self, rows: list[Sequence[str]], name: str, unknown: str) -> LookedUp:
        """The item indices of rows of ids; `name` is what the caller called them.

        Raises UsageError for an unknown id where `unknown` is "refuse"; with "warn" the first call
        that has one warns.
        """
        found = look_up(rows, self._index, name)
        if found.unknown and unknown != "ignore":
            message = (
                f"{name}: {len(found.unknown)} of {found.indices.lengths.sum()} ids are not in "
                f"this bundle's item table, the first is {found.unknown[0]!r}"
            )
            if unknown == "refuse":
                raise UsageError(f"{message}; {UNKNOWN_ADVICE}")
            self._warn_once(message)
        return found

    def _warn_once(self, message: str) -> None:
        # Python remembers every warning by its text: with the ids of each call in it, a service
        # would never stop remembering.
        if not self._has_warned:
            self._has_warned = True
            text = f"{message}; read as the unknown item; later ones are counted in results alone"
            warnings.warn(text, UnknownItemsWarning, stacklevel=4)


def unknown_ids(histories: LookedUp, exclude: LookedUp | None) -> UnknownIds:
    """How many ids of a call are unknown, of its histories and of what it excludes."""
    excluded = exclude.unknown if exclude else []
    first = next(iter([*histories.unknown[:1], *excluded[:1]]), None)
    return UnknownIds(len(histories.unknown), len(excluded), first)
