"""What a version of the data looks like, in numbers whose size does not grow with the events."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.files import read_json
from slmrec.preprocessing.events.event_files import EventFiles, find_event_files
from slmrec.preprocessing.events.timestamps import format_time
from slmrec.preprocessing.validation.event_scan import EventScan, Violations
from slmrec.preprocessing.validation.new_days import judge_new_days

TOP_ITEMS = 200  # whose shares describe the popularity distribution
LENGTH_BOUNDS = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000]  # of histories, from these on


@dataclass(frozen=True)
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
    new_item_share: float | None  # of items with events, not in the previous index, if there is one
    quarantine_share: float
    days: list[dict[str, Any]]  # day, events, new_users, new_items
    lengths: list[int]  # users in each class of LENGTH_BOUNDS
    popularity: dict[str, float]  # share of events of the most popular items
    quarantined: dict[str, int]  # rows by reason
    new_days: list[dict[str, Any]]  # since the previous version, each as new_days.NewDay

    def as_json(self) -> dict[str, Any]:
        """The profile as plain values."""
        return asdict(self)


def read_profile(events_dir: Path) -> Profile:
    """Profile what `prepare` wrote.

    Raises DataError when there is no event or a table has other columns.
    """
    users = tables.read_table(events_dir / "users.parquet", tables.USERS)
    items = tables.read_table(events_dir / "items.parquet", tables.ITEMS)
    files = find_event_files(events_dir)
    scan = _scan(files, users, items)
    known_items = read_json(events_dir / "known.json")["items"]
    quarantined = _quarantined(events_dir)
    set_aside = sum(quarantined.values())
    lengths = scan.user_events[scan.user_events > 0]
    item_events = scan.item_events[tables.FIRST_ITEM :]
    titled = items["title"].is_not_null().to_numpy()
    days = scan.days()
    return Profile(
        events=files.total,
        users=len(lengths),
        items=int(np.count_nonzero(item_events)),
        first_time=format_time(files.time_at(0)),
        last_time=format_time(files.time_at(files.total - 1)),
        violations=scan.violations,
        median_history=float(np.median(lengths)),
        longest_history=int(lengths.max()),
        single_event_users=float(np.mean(lengths == 1)),
        target_coverage=scan.target_coverage,
        top_item_share=float(item_events.max() / files.total),
        title_coverage=float(item_events[titled].sum() / files.total),
        new_item_share=_new_item_share(item_events, known_items),
        quarantine_share=set_aside / (files.total + set_aside),
        days=days,
        lengths=np.histogram(lengths, [*LENGTH_BOUNDS, np.inf])[0].tolist(),
        popularity=_popularity(items, item_events),
        quarantined=quarantined,
        new_days=judge_new_days(files, days, previous_profile(events_dir), len(scan.item_events)),
    )


def previous_profile(events_dir: Path) -> dict[str, Any] | None:
    """The profile of the previous version, as read from JSON; None where there is none."""
    path = events_dir / "previous_profile.json"
    return dict(read_json(path)) if path.is_file() else None


def _scan(files: EventFiles, users: pl.DataFrame, items: pl.DataFrame) -> EventScan:
    scan = EventScan(len(users), len(items), files.total)
    for path in files.paths:
        scan.add(tables.read_table(path, tables.EVENTS), path.parent.name.removeprefix("month="))
    scan.check_ids(users, items)
    return scan


def _quarantined(events_dir: Path) -> dict[str, int]:
    """Rows set aside by reason, in order of reason."""
    rows = pl.scan_parquet(events_dir / "quarantine.parquet")
    counts = rows.group_by("reason").len().sort("reason").collect(engine="streaming")
    return dict(counts.iter_rows())


def _new_item_share(item_events: np.ndarray, known: int) -> float | None:
    """Of items with events, the share that the previous index (`known` items) does not hold."""
    if not known:
        return None
    return float(np.count_nonzero(item_events[known:]) / np.count_nonzero(item_events))


def _popularity(items: pl.DataFrame, item_events: np.ndarray) -> dict[str, float]:
    ranked = np.lexsort((np.arange(len(item_events)), -item_events))[:TOP_ITEMS]
    shares = item_events[ranked] / item_events.sum()
    return dict(zip(items["item"].gather(ranked), shares.tolist(), strict=True))
