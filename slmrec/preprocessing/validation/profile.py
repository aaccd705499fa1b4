"""What a version of the data looks like, in numbers whose size does not grow with the events.

One pass over the event files in order of time; in memory is one file and a few numbers for each
user and item.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.files import read_json
from slmrec.preprocessing.events.event_files import find_event_files
from slmrec.preprocessing.events.timestamps import DAY_US, month_of, say_time

NEWEST_SHARE = 0.2  # the events on which target coverage is measured
TOP_ITEMS = 200  # whose shares describe the popularity distribution
LENGTH_BOUNDS = [
    1,
    2,
    3,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
]  # of histories, lower bounds of the classes


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


@dataclass
class Profile:
    """Numbers about one version of the data; shares are fractions."""

    events: int
    users: int
    items: int
    first_time: str
    last_time: str
    violations: Violations
    median_history: float
    longest_history: int
    single_event_users: float  # share of users
    target_coverage: float  # of the newest events, the share whose user has an earlier one
    top_item_share: float  # of events that are of the most popular item
    title_coverage: float  # of events whose item has a title
    new_item_share: (
        float | None
    )  # of items with events, not in the previous index; None where there is none
    quarantine_share: float
    days: list[dict[str, Any]]  # day, events, new_users, new_items
    lengths: list[int]  # users in each class of LENGTH_BOUNDS
    popularity: dict[str, float]  # share of events of the most popular items
    quarantined: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The profile as plain values."""
        return asdict(self)


class _Seen:
    """What the pass over the event files collects; U users, I items."""

    def __init__(self, users: int, items: int, events: int) -> None:
        self.user_events = np.zeros(users, dtype=np.int64)
        self.item_events = np.zeros(items + tables.FIRST_ITEM, dtype=np.int64)
        self.user_first = np.full(users, np.iinfo(np.int64).max)
        self.item_first = np.full(items + tables.FIRST_ITEM, np.iinfo(np.int64).max)
        self.days: list[pl.DataFrame] = []
        self.violations = Violations()
        self.last_us = np.iinfo(np.int64).min
        self.place = 0
        self.newest_from = events - round(events * NEWEST_SHARE)
        self.covered = 0

    def add(self, events: pl.DataFrame, month: str) -> None:
        """Take one file of a month in; rows that name nobody are counted and left out of the rest."""
        self.violations.missing_values += sum(events.null_count().row(0))
        user, item = (
            events["user_index"].fill_null(0).to_numpy(),
            events["item_index"].fill_null(0).to_numpy(),
        )
        us = events["time"].dt.epoch("us").fill_null(self.last_us).to_numpy()
        self._check(events, month, user, item, us)
        known = (user < len(self.user_events)) & (item < len(self.item_events))
        user, item, us = user[known], item[known], us[known]
        self.user_events += np.bincount(user, minlength=len(self.user_events))
        self.item_events += np.bincount(item, minlength=len(self.item_events))
        for first, index in ((self.user_first, user), (self.item_first, item)):
            seen, place = np.unique(index, return_index=True)
            first[seen] = np.minimum(first[seen], us[place])
        newest = np.arange(self.place, self.place + len(us)) >= self.newest_from
        self.covered += int(np.count_nonzero(self.user_first[user[newest]] < us[newest]))
        self.place += len(events)
        days, counts = np.unique(us // DAY_US, return_counts=True)
        self.days.append(pl.DataFrame({"day": days, "events": counts}))

    def _check(
        self, events: pl.DataFrame, month: str, user: np.ndarray, item: np.ndarray, us: np.ndarray
    ) -> None:
        found = self.violations
        found.out_of_order += int(
            np.count_nonzero(np.diff(us, prepend=self.last_us if self.place else us[0]) < 0)
        )
        found.wrong_month += sum(month_of(int(edge)) != month for edge in (us.min(), us.max()))
        found.unknown_user += int(np.count_nonzero(user >= len(self.user_events)))
        found.unknown_item += int(
            np.count_nonzero((item >= len(self.item_events)) | (item < tables.FIRST_ITEM))
        )
        found.bad_weight += events.select(
            (~pl.col("weight").is_finite() | (pl.col("weight") < 0)).sum()
        ).item()
        self.last_us = int(us[-1])


def read_profile(events: Path) -> Profile:
    """Profile what `prepare` wrote. Raises DataError when there is no event or a table has other columns."""
    users = tables.read_table(events / "users.parquet", tables.USERS)
    items = tables.read_table(events / "items.parquet", tables.ITEMS)
    files = find_event_files(events)
    seen = _Seen(len(users), len(items), files.total)
    for path in files.paths:
        seen.add(tables.read_table(path, tables.EVENTS), path.parent.name.removeprefix("month="))
    _check_ids(seen, users, items)
    quarantined = _quarantined(events)
    lengths = seen.user_events[seen.user_events > 0]
    item_events = seen.item_events[tables.FIRST_ITEM :]
    titled = items["title"].is_not_null().to_numpy()
    return Profile(
        events=files.total,
        users=len(lengths),
        items=int(np.count_nonzero(item_events)),
        first_time=say_time(files.time_at(0)),
        last_time=say_time(files.time_at(files.total - 1)),
        violations=seen.violations,
        median_history=float(np.median(lengths)),
        longest_history=int(lengths.max()),
        single_event_users=float(np.mean(lengths == 1)),
        target_coverage=seen.covered / max(files.total - seen.newest_from, 1),
        top_item_share=float(item_events.max() / files.total),
        title_coverage=float(item_events[titled].sum() / files.total),
        new_item_share=_new_item_share(item_events, read_json(events / "known.json")["items"]),
        quarantine_share=sum(quarantined.values()) / (files.total + sum(quarantined.values())),
        days=_days(seen),
        lengths=np.histogram(lengths, [*LENGTH_BOUNDS, np.inf])[0].tolist(),
        popularity=_popularity(items, item_events),
        quarantined=quarantined,
    )


def _check_ids(seen: _Seen, users: pl.DataFrame, items: pl.DataFrame) -> None:
    found = seen.violations
    found.repeated_users = len(users) - users["user"].n_unique()
    found.repeated_items = len(items) - items["item"].n_unique()
    for table, name, first in ((users, "user", 0), (items, "item", tables.FIRST_ITEM)):
        numbers = table[f"{name}_index"].to_numpy()
        setattr(
            found,
            f"{name}_index_gaps",
            int(np.count_nonzero(numbers != np.arange(first, first + len(numbers)))),
        )
    found.item_counts_wrong = int(
        np.count_nonzero(items["events"].to_numpy() != seen.item_events[tables.FIRST_ITEM :])
    )


def _quarantined(events: Path) -> dict[str, int]:
    counts = (
        pl.scan_parquet(events / "quarantine.parquet")
        .group_by("reason")
        .len()
        .sort("reason")
        .collect(engine="streaming")
    )
    return dict(counts.iter_rows())


def _new_item_share(item_events: np.ndarray, known: int) -> float | None:
    if not known:
        return None
    return float(np.count_nonzero(item_events[known:]) / np.count_nonzero(item_events))


def _days(seen: _Seen) -> list[dict[str, Any]]:
    counts = pl.concat(seen.days).group_by("day").agg(pl.col("events").sum())
    first = int(counts["day"].min())  # type: ignore[arg-type]
    last = int(counts["day"].max())  # type: ignore[arg-type]
    table = pl.DataFrame({"day": range(first, last + 1)}, schema={"day": pl.Int64}).join(
        counts, on="day", how="left"
    )
    for name, firsts in (("new_users", seen.user_first), ("new_items", seen.item_first)):
        days = firsts[firsts < np.iinfo(np.int64).max] // DAY_US - first
        table = table.with_columns(pl.Series(name, np.bincount(days, minlength=len(table))))
    table = table.sort("day").with_columns(
        pl.col("events").fill_null(0),
        day=pl.col("day").cast(pl.Int32).cast(pl.Date).cast(pl.String),
    )
    return table.to_dicts()


def _popularity(items: pl.DataFrame, item_events: np.ndarray) -> dict[str, float]:
    ranked = np.lexsort((np.arange(len(item_events)), -item_events))[:TOP_ITEMS]
    names = items["item"].gather(ranked).to_list()
    return {
        name: float(count / item_events.sum())
        for name, count in zip(names, item_events[ranked], strict=True)
    }
