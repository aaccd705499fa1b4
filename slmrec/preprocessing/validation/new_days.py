"""The days that came since the last version, each on its own, against the weeks before it.

One bad day may become the whole test set, and among a year of events nothing would show it. What
is usual is measured on the days before, each in the same way; so logs set their own scale.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from slmrec.core.tables import DAY_US
from slmrec.preprocessing.events.event_files import EventFiles

RECENT_DAYS = 28  # before a day, which say what is usual for it
FEWEST_DAYS = 7  # of them with events, below which nothing is usual
ERRORS = 2.0  # standard errors that a figure of few events is granted


@dataclass(frozen=True)
class NewDay:
    """A day by what its weeks show; the last three at their lower bound, shares and bits."""

    day: str
    volume_ratio: float  # its events by the median of the days before
    more_new_users: float  # share of its users that are new, above the highest of those days
    more_new_items: float  # the same of its items
    more_surprise: float  # bits an event by the items' shares, above the highest of those days


@dataclass(frozen=True)
class DayItems:
    """How often each item occurs on the days that are needed, and how many users there are."""

    counts: dict[int, np.ndarray]  # by day, counted from 1970: (FIRST_ITEM + I,) events
    users: dict[int, int]


def judge_new_days(
    files: EventFiles, days: list[dict[str, Any]], before: dict[str, Any] | None, items: int
) -> list[dict[str, Any]]:
    """A row for each new day with events, as NewDay; none where too few days came before it.

    New are the days with other events than the previous version's profile, `before`, has: a late
    delivery counts too. `days` are those of this version's, `items` is the length of an array by
    item index. Of a first version no day is new.
    """
    if before is None:
        return []
    first = _number(days[0]["day"])
    new = {first + place for place in _new_places(days, before)}
    weeks = {
        day: [past for past in range(max(day - RECENT_DAYS, first), day) if past not in new]
        for day in sorted(new)
    }
    found = _count(files, {*new, *(past for week in weeks.values() for past in week)}, items)
    rows = []
    for day, week in weeks.items():
        past = [number for number in week if number in found.counts]
        if len(past) >= FEWEST_DAYS:
            rows.append(
                asdict(_judge(day, past, found, {d: days[d - first] for d in [*past, day]}))
            )
    return rows


def _new_places(days: list[dict[str, Any]], before: dict[str, Any]) -> list[int]:
    known = {day["day"]: day["events"] for day in before["days"]}
    return [
        place
        for place, day in enumerate(days)
        if day["events"] and day["events"] != known.get(day["day"])
    ]


def _number(day: str) -> int:
    return int(np.datetime64(day).astype("datetime64[D]").astype(np.int64))


def _count(files: EventFiles, days: set[int], items: int) -> DayItems:
    us = pl.col("time").dt.epoch("us")
    lazy = pl.scan_parquet(files.paths, hive_partitioning=False).with_columns(day=us // DAY_US)
    lazy = lazy.filter(pl.col("day").is_in(sorted(days)))
    pairs = lazy.group_by("day", "item_index").len().collect(engine="streaming")
    users = lazy.group_by("day").agg(pl.col("user_index").n_unique()).collect(engine="streaming")
    counts = {}
    for (day,), table in pairs.group_by("day"):
        # Rows of no item are violations, which have a promise of their own.
        table = table.filter(pl.col("item_index") < items)
        counts[int(day)] = np.zeros(items, dtype=np.int64)
        counts[int(day)][table["item_index"].to_numpy()] = table["len"].to_numpy()
    return DayItems(counts, dict(users.iter_rows()))


def _judge(day: int, past: list[int], found: DayItems, rows: dict[int, dict[str, Any]]) -> NewDay:
    usual = float(np.median([rows[number]["events"] for number in past]))
    return NewDay(
        day=rows[day]["day"],
        volume_ratio=rows[day]["events"] / max(usual, 1.0),
        more_new_users=_more_new("new_users", day, past, rows, found.users),
        more_new_items=_more_new("new_items", day, past, rows, _distinct(found)),
        more_surprise=_more_surprise(day, past, found.counts),
    )


def _distinct(found: DayItems) -> dict[int, int]:
    return {day: int(np.count_nonzero(counts)) for day, counts in found.counts.items()}


def _more_new(
    name: str, day: int, past: list[int], rows: dict[int, dict[str, Any]], present: dict[int, int]
) -> float:
    """The share of those present that are new, at its lower bound, less the highest of the past."""
    share = rows[day][name] / max(present[day], 1)
    error = float(np.sqrt(share * (1 - share) / max(present[day], 1)))
    return share - ERRORS * error - max(rows[p][name] / max(present[p], 1) for p in past)


def _more_surprise(day: int, past: list[int], counts: dict[int, np.ndarray]) -> float:
    """Bits by which a day's events surprise, less the most surprising of the past.

    Surprise is the mean of -log2 of an item's share of the weeks (cross entropy), to which each day
    of the past itself does not count; every item has one event more than was seen. Unlike a
    distance of distributions it does not grow where a day has few events.
    """
    weeks = np.sum([counts[number] for number in past], axis=0)
    surprises = [_surprise(counts[number], weeks - counts[number])[0] for number in past]
    mean, error = _surprise(counts[day], weeks)
    return mean - ERRORS * error - max(surprises)


def _surprise(events: np.ndarray, weeks: np.ndarray) -> tuple[float, float]:
    """Mean bits of a day's events by the weeks' shares, and its standard error."""
    total = max(int(events.sum()), 1)
    bits = np.log2(weeks.sum() + len(weeks)) - np.log2(weeks + 1)  # (FIRST_ITEM + I,)
    mean = float(events @ bits) / total
    spread = float(events @ (bits - mean) ** 2) / total
    return mean, float(np.sqrt(spread / total))
