"""A new day is held against its own weeks: ten times larger, random, or of other ids, it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.preprocessing.events.event_files import EventFiles
from slmrec.preprocessing.validation.new_days import judge_new_days

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = 200
Pair = tuple[int, int]  # user and item


class Logs:
    """Events by day, as prepare writes them and as the profile counts them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "part.parquet"
        self.days: list[list[Pair]] = []

    def add(self, *days: Sequence[Pair]) -> None:
        self.days += [list(day) for day in days]

    def profile_days(self) -> list[dict[str, Any]]:
        users, items, rows = set[int](), set[int](), []
        for number, day in enumerate(self.days):
            new_users = {user for user, _ in day} - users
            new_items = {item for _, item in day} - items
            users, items = users | new_users, items | new_items
            counts = {"new_users": len(new_users), "new_items": len(new_items)}
            day_name = str((FIRST + timedelta(days=number)).date())
            rows.append({"day": day_name, "events": len(day), **counts})
        return rows

    def judge(self, known: int, items: int = ITEMS) -> list[dict[str, Any]]:
        """The rows of the days after the first `known`, which the previous version had."""
        rows = [
            (user, item, FIRST + timedelta(days=number, seconds=place), 1.0)
            for number, day in enumerate(self.days)
            for place, (user, item) in enumerate(day)
        ]
        pl.DataFrame(rows, schema=tables.EVENTS, orient="row").write_parquet(self.path)
        files = EventFiles([self.path], [len(rows)])
        days = self.profile_days()
        return judge_new_days(files, days, {"days": days[:known]}, items)


def usual_day(rng: np.random.Generator, events: int = 120) -> list[Pair]:
    """Some of 50 users, items by a steep popularity."""
    shares = 1 / np.arange(1, ITEMS - 1)
    items = rng.choice(ITEMS - 2, events, p=shares / shares.sum()) + tables.FIRST_ITEM
    return list(zip(rng.integers(0, 50, events).tolist(), items.tolist(), strict=True))


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    """Thirty usual days."""
    made, rng = Logs(tmp_path), np.random.default_rng(0)
    made.add(*(usual_day(rng) for _ in range(30)))
    return made


def test_a_usual_day_is_below_every_bound(logs: Logs) -> None:
    logs.add(usual_day(np.random.default_rng(9)))
    (row,) = logs.judge(known=30)
    assert row["day"] == "2026-01-31" and row["volume_ratio"] == 1.0
    assert row["more_new_users"] <= 0 and row["more_new_items"] < 0.1
    assert row["more_surprise"] < 0


def test_a_day_ten_times_larger_is_ten(logs: Logs) -> None:
    logs.add(usual_day(np.random.default_rng(9), events=1200))
    (row,) = logs.judge(known=30)
    assert row["volume_ratio"] == 10.0
    assert row["more_surprise"] < 0, "its events are as usual as any"


@pytest.mark.parametrize("incident", ["random events", "recycled ids"])
def test_random_events_and_recycled_ids_surprise(logs: Logs, incident: str) -> None:
    rng = np.random.default_rng(9)
    numbers = np.arange(2, ITEMS)
    other = dict(zip(numbers.tolist(), rng.permutation(numbers).tolist(), strict=True))
    day = usual_day(rng)
    if incident == "random events":
        logs.add([(user, int(rng.integers(2, ITEMS))) for user, _ in day])
    else:
        logs.add([(user, other[item]) for user, item in day])
    (row,) = logs.judge(known=30)
    assert row["more_surprise"] > 0.3


def test_users_that_nobody_knows_are_more_than_before(logs: Logs) -> None:
    logs.add([(1000 + place, item) for place, (_, item) in enumerate(usual_day_of(9))])
    (row,) = logs.judge(known=30)
    assert row["more_new_users"] == pytest.approx(1.0)  # all new, none in the weeks before


def usual_day_of(seed: int) -> list[Pair]:
    return usual_day(np.random.default_rng(seed))


def test_surprise_and_its_error_by_hand(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.add(*[[(0, 2), (0, 2), (0, 3)]] * 8)
    logs.add([(0, 3), (0, 3), (0, 2)])
    (row,) = logs.judge(known=8, items=4)
    # eight days hold item 2 16 times and item 3 8 times; each of 4 numbers has one event more
    bits = {2: math.log2(28 / 17), 3: math.log2(28 / 9)}
    mean = (bits[2] + 2 * bits[3]) / 3
    spread = ((bits[2] - mean) ** 2 + 2 * (bits[3] - mean) ** 2) / 3
    past = (2 * math.log2(25 / 15) + math.log2(25 / 8)) / 3  # without the day itself: 14 and 7
    assert row["more_surprise"] == pytest.approx(mean - 2 * math.sqrt(spread / 3) - past)


def test_a_bad_new_day_does_not_make_the_next_one_usual(logs: Logs) -> None:
    big = usual_day(np.random.default_rng(8), events=1200)
    logs.add(big, big)
    first, second = logs.judge(known=30)
    assert (first["volume_ratio"], second["volume_ratio"]) == (10.0, 10.0)


def test_a_day_that_grew_late_is_new_and_days_without_events_are_not(logs: Logs) -> None:
    before = {"days": logs.profile_days()}
    before["days"][20]["events"] = 7
    logs.add([], usual_day_of(9))
    logs.judge(known=30)  # writes the file
    files = EventFiles([logs.path], [31 * 120])
    rows = judge_new_days(files, logs.profile_days(), before, ITEMS)
    assert [row["day"] for row in rows] == ["2026-01-21", "2026-02-01"]


def test_nothing_is_judged_without_a_previous_version_or_after_less_than_a_week(
    tmp_path: Path,
) -> None:
    logs = Logs(tmp_path)
    logs.add(*(usual_day_of(seed) for seed in range(8)))
    assert logs.judge(known=6) == []  # of the last two days both are new, six are before
    assert len(logs.judge(known=7)) == 1
    files = EventFiles([logs.path], [8 * 120])
    assert judge_new_days(files, logs.profile_days(), None, ITEMS) == []
