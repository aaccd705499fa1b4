"""One pass over the event files in order of time: counts by user, item and day, and violations.

In memory is one file and a few numbers for each user and item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.tables import DAY_US
from slmrec.preprocessing.events.timestamps import month_of

NEWEST_SHARE = 0.2  # the events on which target coverage is measured
NEVER = np.iinfo(np.int64).max


@dataclass
class Violations:
    """Rows that break what every reader relies on, counted over all rows."""

    out_of_order: int = 0
    wrong_month: int = 0
    missing_values: int = 0
    unknown_user: int = 0
    unknown_item: int = 0
    bad_weight: int = 0
    repeated_users: int = 0
    repeated_items: int = 0
    user_index_gaps: int = 0
    item_index_gaps: int = 0
    item_counts_wrong: int = 0


class EventScan:
    """What the pass collects; U users, I items."""

    def __init__(self, users: int, items: int, events: int) -> None:
        item_numbers = items + tables.FIRST_ITEM
        self.user_events = np.zeros(users, dtype=np.int64)  # (U,)
        self.item_events = np.zeros(item_numbers, dtype=np.int64)  # (FIRST_ITEM + I,)
        self.user_first = np.full(users, NEVER)  # microseconds
        self.item_first = np.full(item_numbers, NEVER)
        self.violations = Violations()
        self._days: list[pl.DataFrame] = []
        self._last_us = np.iinfo(np.int64).min
        self._place = 0
        self._newest_from = events - round(events * NEWEST_SHARE)
        self._newest = max(events - self._newest_from, 1)
        self._covered = 0

    def add(self, events: pl.DataFrame, month: str) -> None:
        """Take in one file of a month; rows of no user or item are violations and count no more."""
        self.violations.missing_values += sum(events.null_count().row(0))
        user = events["user_index"].fill_null(0).to_numpy()
        item = events["item_index"].fill_null(0).to_numpy()
        us = events["time"].dt.epoch("us").fill_null(self._last_us).to_numpy()
        self._check(events, month, user, item, us)
        known = (user < len(self.user_events)) & (item < len(self.item_events))
        self._count(user[known], item[known], us[known])
        self._place += len(events)

    def _check(
        self, events: pl.DataFrame, month: str, user: np.ndarray, item: np.ndarray, us: np.ndarray
    ) -> None:
        violations = self.violations
        before = self._last_us if self._place else us[0]
        violations.out_of_order += _count_true(np.diff(us, prepend=before) < 0)
        violations.wrong_month += sum(month_of(int(edge)) != month for edge in (us.min(), us.max()))
        violations.unknown_user += _count_true(user >= len(self.user_events))
        is_item = (item >= tables.FIRST_ITEM) & (item < len(self.item_events))
        violations.unknown_item += _count_true(~is_item)
        weight = pl.col("weight")
        violations.bad_weight += events.select((~weight.is_finite() | (weight < 0)).sum()).item()
        self._last_us = int(us[-1])

    def _count(self, user: np.ndarray, item: np.ndarray, us: np.ndarray) -> None:
        self.user_events += np.bincount(user, minlength=len(self.user_events))
        self.item_events += np.bincount(item, minlength=len(self.item_events))
        for first_us, index in ((self.user_first, user), (self.item_first, item)):
            present, place = np.unique(index, return_index=True)
            first_us[present] = np.minimum(first_us[present], us[place])
        newest = np.arange(self._place, self._place + len(us)) >= self._newest_from
        self._covered += _count_true(self.user_first[user[newest]] < us[newest])
        days, counts = np.unique(us // DAY_US, return_counts=True)
        self._days.append(pl.DataFrame({"day": days, "events": counts}))

    @property
    def target_coverage(self) -> float:
        """Of the newest events, the share whose user has an earlier one."""
        return self._covered / self._newest

    def check_ids(self, users: pl.DataFrame, items: pl.DataFrame) -> None:
        """Count violations of the tables of users and items; after all event files."""
        violations = self.violations
        violations.repeated_users = len(users) - users["user"].n_unique()
        violations.repeated_items = len(items) - items["item"].n_unique()
        violations.user_index_gaps = _gaps(users["user_index"], 0)
        violations.item_index_gaps = _gaps(items["item_index"], tables.FIRST_ITEM)
        counted = self.item_events[tables.FIRST_ITEM :]
        violations.item_counts_wrong = _count_true(items["events"].to_numpy() != counted)

    def days(self) -> list[dict[str, Any]]:
        """Day, events, new_users and new_items of each day from the first event to the last."""
        counts = pl.concat(self._days).group_by("day").agg(pl.col("events").sum()).sort("day")
        first, last = counts["day"][0], counts["day"][-1]
        table = pl.DataFrame({"day": range(first, last + 1)}, schema={"day": pl.Int64})
        table = table.join(counts, on="day", how="left", maintain_order="left")
        for name, first_us in (("new_users", self.user_first), ("new_items", self.item_first)):
            days = first_us[first_us < NEVER] // DAY_US - first
            table = table.with_columns(pl.Series(name, np.bincount(days, minlength=len(table))))
        day = pl.col("day").cast(pl.Int32).cast(pl.Date).cast(pl.String)
        return table.with_columns(pl.col("events").fill_null(0), day=day).to_dicts()


def _count_true(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask))


def _gaps(numbers: pl.Series, first: int) -> int:
    """How many of the numbers are not what counting from `first` gives."""
    return _count_true(numbers.to_numpy() != np.arange(first, first + len(numbers)))
