"""Rules that look at more than one row, in this order: bots, repeats, k-core, longest history.

They work on flat arrays of all events in total order: 9 bytes an event, and 12 more while a user's
events are brought together. The longest history is cut last, so items may end below
min_item_events by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.core.tables import DAY_US
from slmrec.params.prepare import PrepareParams

KEPT = 0
RULES = (
    "kept",
    "bot",
    "repeat",
    "user below k-core",
    "item below k-core",
    "beyond longest history",
)


@dataclass(frozen=True)
class EventArrays:
    """All events in total order; E events."""

    users: np.ndarray  # (E,) uint32
    items: np.ndarray  # (E,) uint32
    days: np.ndarray  # (E,) int32, days since 1970 UTC


def has_rules(p: PrepareParams) -> bool:
    """Whether any rule of this file can leave an event out."""
    k_core = p.min_user_events > 1 or p.min_item_events > 1
    limits = p.max_history is not None or p.max_events_per_day is not None
    return p.repeats != "keep" or k_core or limits


def days_of(us: np.ndarray) -> np.ndarray:
    """Days since 1970 UTC of microseconds."""
    return (us // DAY_US).astype(np.int32)  # (E,)


def apply_rules(events: EventArrays, p: PrepareParams) -> np.ndarray:
    """The rule that leaves each event out, as its position in RULES; KEPT where none does."""
    removed_by = np.zeros(len(events.users), dtype=np.uint8)  # (E,)
    if p.max_events_per_day is not None:
        _remove(removed_by, bots(events, p.max_events_per_day), "bot")
    if p.repeats != "keep":
        rest = np.flatnonzero(removed_by == KEPT)
        repeated = repeats(events.users[rest], events.items[rest], first_only=p.repeats == "first")
        removed_by[rest[repeated]] = RULES.index("repeat")
    k_core(events, removed_by, p.min_user_events, p.min_item_events)
    if p.max_history is not None:
        rest = np.flatnonzero(removed_by == KEPT)
        oldest = rest[too_old(events.users[rest], p.max_history)]
        removed_by[oldest] = RULES.index("beyond longest history")
    return removed_by


def _remove(removed_by: np.ndarray, mask: np.ndarray, rule: str) -> None:
    removed_by[mask & (removed_by == KEPT)] = RULES.index(rule)


def bots(events: EventArrays, max_events_per_day: int) -> np.ndarray:
    """Mask of all events of users who on any day have more than `max_events_per_day`."""
    user_days = (events.users.astype(np.uint64) << np.uint64(32)) | events.days.astype(np.uint32)
    distinct, counts = np.unique(user_days, return_counts=True)
    busy = (distinct[counts > max_events_per_day] >> np.uint64(32)).astype(np.uint32)
    return np.isin(events.users, busy)  # (E,) bool


def repeats(users: np.ndarray, items: np.ndarray, first_only: bool) -> np.ndarray:
    """Mask of events that repeat the user's previous item, or any earlier one if `first_only`."""
    if first_only:
        pairs = (users.astype(np.uint64) << np.uint64(32)) | items
        repeated = np.ones(len(users), dtype=bool)
        repeated[np.unique(pairs, return_index=True)[1]] = False
        return repeated  # (E,)
    repeated = np.zeros(len(users), dtype=bool)
    order = np.argsort(users, kind="stable")
    same_user = users[order][1:] == users[order][:-1]
    same_item = items[order][1:] == items[order][:-1]
    repeated[order[1:][same_user & same_item]] = True
    return repeated  # (E,)


def k_core(
    events: EventArrays, removed_by: np.ndarray, min_user_events: int, min_item_events: int
) -> None:
    """Leave out users and items below their minimum, again and again until none is."""
    sides = (
        (events.users, min_user_events, "user below k-core"),
        (events.items, min_item_events, "item below k-core"),
    )
    changed = min_user_events > 1 or min_item_events > 1
    while changed:
        changed = False
        for ids, minimum, rule in sides:
            rare = _rare(ids, removed_by == KEPT, minimum)
            changed = changed or bool(rare.any())
            _remove(removed_by, rare, rule)


def _rare(ids: np.ndarray, kept_rows: np.ndarray, minimum: int) -> np.ndarray:
    """Mask of the kept rows whose id has less than `minimum` kept rows."""
    counts = np.bincount(ids[kept_rows], minlength=int(ids.max(initial=0)) + 1)
    return kept_rows & (counts < minimum)[ids]  # (E,) bool


def too_old(users: np.ndarray, max_history: int) -> np.ndarray:
    """Mask of events that have at least `max_history` later ones of their user."""
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users[order]) if len(users) else np.zeros(0, dtype=np.int64)
    later = np.cumsum(counts)[users[order]] - 1 - np.arange(len(order))
    old = np.zeros(len(users), dtype=bool)
    old[order[later >= max_history]] = True
    return old  # (E,)
