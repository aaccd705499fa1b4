"""Rules that look at more than one row: bots, repeats, k-core, longest history; applied in this order.

They work on flat arrays of all events in total order: 9 bytes an event, and 12 more while a user's
events are brought together. A longest history is cut last, so items may end below min_item_events
by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.timestamps import DAY_US

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
class Flat:
    """All events in total order; E events."""

    users: np.ndarray  # (E,) uint32
    items: np.ndarray  # (E,) uint32
    days: np.ndarray  # (E,) int32, days since 1970 UTC


def active(p: PrepareParams) -> bool:
    """Whether any rule of this file can leave an event out."""
    k_core = p.min_user_events > 1 or p.min_item_events > 1
    return (
        p.repeats != "keep"
        or k_core
        or p.max_history is not None
        or p.max_events_per_day is not None
    )


def days_of(us: np.ndarray) -> np.ndarray:
    """Days since 1970 UTC of microseconds.  # (E,) int32"""
    return (us // DAY_US).astype(np.int32)


def apply(flat: Flat, p: PrepareParams) -> np.ndarray:
    """Which rule leaves each event out, as a position in RULES; 0 keeps it.  # (E,) uint8"""
    removed_by = np.zeros(len(flat.users), dtype=np.uint8)
    if p.max_events_per_day is not None:
        _set_aside(removed_by, bots(flat, p.max_events_per_day), "bot")
    if p.repeats != "keep":
        rest = np.flatnonzero(removed_by == KEPT)
        found = repeats(flat.users[rest], flat.items[rest], first_only=p.repeats == "first")
        removed_by[rest[found]] = RULES.index("repeat")
    k_core(flat, removed_by, p.min_user_events, p.min_item_events)
    if p.max_history is not None:
        rest = np.flatnonzero(removed_by == KEPT)
        removed_by[rest[too_old(flat.users[rest], p.max_history)]] = RULES.index(
            "beyond longest history"
        )
    return removed_by


def _set_aside(removed_by: np.ndarray, found: np.ndarray, rule: str) -> None:
    removed_by[found & (removed_by == KEPT)] = RULES.index(rule)


def bots(flat: Flat, max_events_per_day: int) -> np.ndarray:
    """Events of users who on any day have more than the given number.  # (E,) bool"""
    user_days = (flat.users.astype(np.uint64) << np.uint64(32)) | flat.days.astype(np.uint32)
    whose, counts = np.unique(user_days, return_counts=True)
    busy = (whose[counts > max_events_per_day] >> np.uint64(32)).astype(np.uint32)
    return np.isin(flat.users, busy)


def repeats(users: np.ndarray, items: np.ndarray, first_only: bool) -> np.ndarray:
    """Events that repeat the user's previous item or, if `first_only`, any earlier one of that user.  # (E,) bool"""
    found = np.zeros(len(users), dtype=bool)
    if first_only:
        pairs = (users.astype(np.uint64) << np.uint64(32)) | items
        found[:] = True
        found[np.unique(pairs, return_index=True)[1]] = False
        return found
    order = np.argsort(users, kind="stable")
    again = (users[order][1:] == users[order][:-1]) & (items[order][1:] == items[order][:-1])
    found[order[1:][again]] = True
    return found


def k_core(flat: Flat, removed_by: np.ndarray, min_user_events: int, min_item_events: int) -> None:
    """Leave out users and items below their minimum, again and again until none is."""
    sides = (
        (flat.users, min_user_events, "user below k-core"),
        (flat.items, min_item_events, "item below k-core"),
    )
    changed = min_user_events > 1 or min_item_events > 1
    while changed:
        changed = False
        for ids, least, rule in sides:
            kept = removed_by == KEPT
            rare = (
                kept & (np.bincount(ids[kept], minlength=int(ids.max(initial=0)) + 1) < least)[ids]
            )
            changed = changed or bool(rare.any())
            _set_aside(removed_by, rare, rule)


def too_old(users: np.ndarray, max_history: int) -> np.ndarray:
    """Events that have at least max_history later ones of their user.  # (E,) bool"""
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users[order]) if len(users) else np.zeros(0, dtype=np.int64)
    later = np.cumsum(counts)[users[order]] - 1 - np.arange(len(order))
    found = np.zeros(len(users), dtype=bool)
    found[order[later >= max_history]] = True
    return found
