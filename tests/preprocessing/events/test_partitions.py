"""A partition is made again when something in it changed, and only then."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.preprocessing.events import day_ranges, deliveries, partitions
from slmrec.preprocessing.events.partitions import presence
from tests.support.logs import DAY, START, Workshop, as_csv


def event_files() -> dict[Path, int]:
    """The output's event files and their inodes."""
    return {path: path.stat().st_ino for path in Path("events/events").rglob("*.parquet")}


def test_presence_counts_the_events_of_items() -> None:
    columns = {"user_index": [4, 1, 4], "item_index": [3, 3, 2], "time": [1, 2, 3]}
    events = pl.DataFrame({**columns, "weight": [1.0] * 3}).cast(tables.EVENTS)
    present = presence(events)
    assert present.users.tolist() == [1, 4]
    assert present.items.tolist() == [2, 3] and present.item_events.tolist() == [1, 2]


def test_a_day_appended_to_a_busy_month_makes_one_partition_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_ranges, "PARTITION_EVENTS", 70)  # three days of 30
    monkeypatch.setattr(deliveries, "GROUP_BYTES", 1)  # so that each day is a group
    workshop.deliver_days(range(40))
    workshop.prepare()
    before = event_files()
    assert len(before) > 12, "months are divided"
    assert pl.concat(map(pl.read_parquet, sorted(before)))["time"].is_sorted(), (
        "files in order of their names are in order of time"
    )
    workshop.deliver_days(range(40, 41))
    workshop.prepare()
    after = event_files()
    assert len([path for path in before if after[path] != before[path]]) <= 1


@pytest.mark.parametrize(
    ("change", "made"),
    [({}, 0), ({"prepare__seed": 7}, 2), ({"prepare__max_history": 1000}, 2)],
    ids=["nothing", "the seed", "a first rule, which needs origins"],
)
def test_what_partitions_depend_on_makes_them_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, change: dict[str, int], made: int
) -> None:
    workshop.deliver_days(range(18))  # 2023-11-14 to 2023-12-01: two months
    workshop.prepare()
    calls: list[str] = []
    make = partitions._make

    def noted(days: day_ranges.DayRange, *rest: object) -> None:
        calls.append(days.name)
        make(days, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(partitions, "_make", noted)
    workshop.set(**change)
    workshop.prepare()
    assert len(calls) == made


def test_an_output_changed_by_hand_does_not_come_back(workshop: Workshop) -> None:
    workshop.deliver_days(range(3))
    workshop.prepare()
    path = next(iter(event_files()))
    original = path.read_bytes()
    pl.read_parquet(path).with_columns(weight=pl.lit(7.0, pl.Float32)).write_parquet(path)
    assert path.read_bytes() != original
    workshop.prepare()
    assert path.read_bytes() == original


@pytest.mark.parametrize("early", [("early user", "item 0"), ("user 0", "early item")])
def test_an_id_that_gets_another_number_makes_its_partitions_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, early: tuple[str, str]
) -> None:
    monkeypatch.setattr(deliveries, "GROUP_BYTES", 1)  # so that no old chunk changes
    workshop.deliver_days(range(30))  # in November and December
    workshop.prepare()
    events = workshop.events()
    # an event in November comes before all others and takes the first number
    workshop.deliver("early.csv", as_csv([(*early, START - DAY, 1.0)]))
    workshop.prepare()
    assert workshop.events().tail(len(events)).equals(events), "ids stay, numbers do not"
