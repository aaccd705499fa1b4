"""The items of events held against the items that the item files list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

EXAMPLES = 3
LOUD_BELOW = 0.5  # share of events below which the two files hardly speak of the same items


@dataclass(frozen=True)
class Overlap:
    """Which share of events has an item that is listed, and ids of either side without the other.

    The examples are those that come first in order of text.
    """

    share: float
    unlisted: list[str]  # items of events that are not listed
    without_event: list[str]  # listed items that have no event

    @property
    def is_small(self) -> bool:
        """Whether ids are likely to be spelt differently in the two."""
        return self.share < LOUD_BELOW

    @property
    def line(self) -> str:
        """What to tell a person."""
        share = f"{self.share:.2%} of events have an item that the item files list"
        if not self.is_small:
            return share
        names = [", ".join(map(repr, ids)) or "none" for ids in (self.unlisted, self.without_event)]
        return (
            f"WARNING: only {share}: items of events such as {names[0]} are not listed, listed "
            f"ones such as {names[1]} have no event; see whether prepare.events.columns.item and "
            "prepare.items.columns.item name the same ids, spelt alike"
        )


def compare_with_list(items: pl.Series, events: np.ndarray, listed: pl.Series) -> Overlap:
    """Hold `items` (ids) with their events (I,) against the ids that are listed."""
    with_event = items.filter(pl.Series(events > 0))
    is_listed = items.is_in(listed.implode()).to_numpy()
    return Overlap(
        share=float(events[is_listed].sum() / max(events.sum(), 1)),
        unlisted=_without(with_event, listed),
        without_event=_without(listed, with_event),
    )


def _without(ids: pl.Series, others: pl.Series) -> list[str]:
    rest = ids.filter(~ids.is_in(others.implode()))
    return [str(name) for name in rest.sort().head(EXAMPLES)]
