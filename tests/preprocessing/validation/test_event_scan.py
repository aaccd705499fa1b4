"""Every way in which written events can be damaged is counted under its own name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.preprocessing.validation.event_scan import EventScan

START = datetime(2023, 11, 29, 12, tzinfo=UTC)
Change = Callable[[pl.DataFrame], pl.DataFrame]


def events(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """Events of user, item and hours after START."""
    columns = {
        "user_index": [user for user, _, _ in rows],
        "item_index": [item for _, item, _ in rows],
        "time": [START + timedelta(hours=hours) for _, _, hours in rows],
        "weight": [1.0] * len(rows),
    }
    return pl.DataFrame(columns).cast(tables.EVENTS)


# users 0 and 1, items 2, 3 and 4 (which has no event)
NOVEMBER = events((0, 2, 0), (1, 2, 1), (0, 3, 30))
DECEMBER = events((1, 3, 50), (0, 2, 100))
USERS = pl.DataFrame({"user_index": [0, 1], "user": ["ann", "bob"]}).cast(tables.USERS)
ITEMS = pl.DataFrame(
    {
        "item_index": [2, 3, 4],
        "item": ["x", "y", "z"],
        "title": [None] * 3,
        "first_time": [START, START + timedelta(hours=30), None],
        "events": [3, 2, 0],
    }
).cast(tables.ITEMS)


def scan(
    november: pl.DataFrame, users: pl.DataFrame = USERS, items: pl.DataFrame = ITEMS
) -> EventScan:
    result = EventScan(len(users), len(items), len(november) + len(DECEMBER))
    result.add(november, "2023-11")
    result.add(DECEMBER, "2023-12")
    result.check_ids(users, items)
    return result


def violated(result: EventScan) -> dict[str, int]:
    return {name: count for name, count in vars(result.violations).items() if count}


def first(**values: Any) -> Change:
    """Change the first row."""
    here = pl.int_range(pl.len()) == 0
    return lambda table: table.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    ).cast(tables.EVENTS)


def test_good_events_violate_nothing_and_are_counted() -> None:
    result = scan(NOVEMBER)
    assert violated(result) == {}
    assert result.user_events.tolist() == [3, 2]
    assert result.item_events.tolist() == [0, 0, 3, 2, 0]
    # the newest fifth of 5 events is the last one, of user 0, who has earlier ones
    assert result.target_coverage == 1


def test_days_without_an_event_are_days_too() -> None:
    days = scan(NOVEMBER).days()
    # hours 0, 1 | 30 | 50 | 100 after noon of November 29; both users and item 2 are new at once
    assert [(day["day"], day["events"]) for day in days] == [
        ("2023-11-29", 2),
        ("2023-11-30", 1),
        ("2023-12-01", 1),
        ("2023-12-02", 0),
        ("2023-12-03", 1),
    ]
    assert [day["new_users"] for day in days] == [2, 0, 0, 0, 0]
    assert [day["new_items"] for day in days] == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "violations"),
    [
        (lambda table: table.reverse(), {"out_of_order": 2}),
        (first(time=datetime(2001, 1, 1, tzinfo=UTC)), {"wrong_month": 1}),
        (first(weight=None), {"missing_values": 1}),
        (first(user_index=None), {"missing_values": 1}),
        (first(user_index=99), {"unknown_user": 1, "item_counts_wrong": 1}),
        (first(item_index=99), {"unknown_item": 1, "item_counts_wrong": 1}),
        (first(item_index=0), {"unknown_item": 1, "item_counts_wrong": 1}),
        (first(item_index=1), {"unknown_item": 1, "item_counts_wrong": 1}),
        (first(weight=-1.0), {"bad_weight": 1}),
        (first(weight=float("nan")), {"bad_weight": 1}),
        (lambda table: table.tail(-1), {"item_counts_wrong": 1}),
    ],
    ids=[
        "order",
        "month",
        "no weight",
        "no user",
        "user",
        "item",
        "PAD",
        "UNK",
        "negative weight",
        "NaN",
        "lost",
    ],
)
def test_damaged_events_are_counted(change: Change, violations: dict[str, int]) -> None:
    assert violated(scan(change(NOVEMBER))) == violations


def test_an_event_before_the_last_file_is_out_of_order() -> None:
    result = EventScan(2, 3, 5)
    result.add(DECEMBER, "2023-12")
    result.add(NOVEMBER, "2023-11")
    assert violated(result) == {"out_of_order": 1}


@pytest.mark.parametrize(
    ("users", "items", "violations"),
    [
        (USERS.with_columns(user=pl.lit("ann")), ITEMS, {"repeated_users": 1}),
        (USERS, ITEMS.with_columns(item=pl.lit("x")), {"repeated_items": 2}),
        (USERS.with_columns(pl.col("user_index") + 1), ITEMS, {"user_index_gaps": 2}),
        (USERS, ITEMS.with_columns(pl.col("item_index") - 2), {"item_index_gaps": 3}),
        (USERS, ITEMS.with_columns(pl.col("events") + 1), {"item_counts_wrong": 3}),
    ],
)
def test_damaged_tables_of_ids_are_counted(
    users: pl.DataFrame, items: pl.DataFrame, violations: dict[str, int]
) -> None:
    assert violated(scan(NOVEMBER, users, items)) == violations


def test_coverage_counts_the_newest_events_whose_user_has_an_earlier_one() -> None:
    # the newest fifth of 10 events are 2: user 1 comes for the first time, user 0 does not
    rows = [(0, 2, hour) for hour in range(8)]
    result = EventScan(2, 1, 10)
    result.add(events(*rows, (1, 2, 8), (0, 2, 9)), "2023-11")
    assert result.target_coverage == 1 / 2
