"""What the cache holds saves work and never changes a byte."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from slmrec.params.prepare import EventSource
from slmrec.preprocessing.events import chunk_store, partitions, writer
from slmrec.preprocessing.events.deliveries import GROUP_FILES
from slmrec.preprocessing.logs.log_files import LogFile
from slmrec.preprocessing.logs.text_blocks import Batch
from tests.support.logs import Event, Workshop, as_csv

DAY = 86_400


def a_day(number: int, size: int = 30) -> list[Event]:
    start = 1_700_000_000 + number * DAY
    return [
        (f"user {number * place % 17}", f"item {number + place % 23}", start + place, 1.0)
        for place in range(size)
    ]


def deliver_days(workshop: Workshop, days: range) -> None:
    for number in days:
        workshop.deliver(f"day={number:03d}/events.csv", as_csv(a_day(number)))


def rebuilt(workshop: Workshop) -> str:
    """Digest of a full rebuild from the same logs."""
    shutil.rmtree("cache")
    workshop.prepare()
    workshop.split()
    return workshop.promised_bytes()


def appended(workshop: Workshop) -> str:
    workshop.prepare()
    workshop.split()
    return workshop.promised_bytes()


CHANGES = {
    "a day is appended": lambda workshop: deliver_days(workshop, range(60, 61)),
    "a late day comes first": lambda workshop: workshop.deliver(
        "day=000/late.csv", as_csv(a_day(-5))
    ),
    "a late event comes": lambda workshop: workshop.deliver(
        "zzz.csv", as_csv([("late", "later", 1_700_000_000 + 31 * DAY, 1.0)])
    ),
    "a day is delivered again, longer": lambda workshop: workshop.deliver(
        "day=059/events.csv", as_csv(a_day(59, 35))
    ),
    "a day is taken away": lambda workshop: Path("data/logs/day=030/events.csv").unlink(),
    "a rule changes": lambda workshop: workshop.set(prepare__min_item_events=20),
    "the seed changes": lambda workshop: workshop.set(prepare__seed=7),
    "the weights' minimum changes": lambda workshop: workshop.set(prepare__min_weight=0.5),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("part_events", [70, partitions.PART_EVENTS])
def test_after_a_change_the_bytes_are_those_of_a_full_rebuild(
    workshop: Workshop, change: str, part_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PART_EVENTS", part_events)
    deliver_days(workshop, range(60))
    workshop.prepare()
    CHANGES[change](workshop)
    assert appended(workshop) == rebuilt(workshop)


def test_a_day_appended_to_a_busy_month_makes_one_part_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PART_EVENTS", 70)  # three days of 30
    monkeypatch.setattr(
        "slmrec.preprocessing.events.deliveries.GROUP_BYTES", 1
    )  # so that each day is a group
    deliver_days(workshop, range(40))
    workshop.prepare()
    before = event_files()
    assert len(before) > 12, "months are divided"
    assert pl.concat(map(pl.read_parquet, sorted(before)))["time"].is_sorted(), (
        "files in order of their names are in order of time"
    )
    deliver_days(workshop, range(40, 41))
    workshop.prepare()
    after = event_files()
    assert len([path for path in before if after[path] != before[path]]) <= 1


def event_files() -> dict[Path, int]:
    """The output's event files and their inodes."""
    return {path: path.stat().st_ino for path in Path("events/events").rglob("*.parquet")}


def test_an_output_changed_by_hand_does_not_come_back(workshop: Workshop) -> None:
    deliver_days(workshop, range(3))
    workshop.prepare()
    path = next(iter(event_files()))
    as_it_was = path.read_bytes()
    pl.read_parquet(path).with_columns(weight=pl.lit(7.0, pl.Float32)).write_parquet(path)
    assert path.read_bytes() != as_it_was
    workshop.prepare()
    assert path.read_bytes() == as_it_was


def test_where_a_file_cannot_have_two_names_it_is_copied(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    deliver_days(workshop, range(3))
    workshop.prepare()
    wanted = workshop.promised_bytes()
    shutil.rmtree("cache")
    monkeypatch.setattr(writer.os, "link", refuse)
    workshop.prepare()
    assert workshop.promised_bytes() == wanted
    assert {path.stat().st_nlink for path in event_files()} == {1}


def test_only_what_changed_is_read_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = chunk_store.read_batches

    def noted(file: LogFile, source: EventSource, wanted: list[str]) -> Iterator[Batch]:
        read.append(file.name)
        return whole(file, source, wanted)

    monkeypatch.setattr(chunk_store, "read_batches", noted)
    deliver_days(workshop, range(60))
    workshop.prepare()
    assert len(read) == 60
    read.clear()
    before = {
        path: path.stat().st_ino
        for path in Path("cache/prepare/generation/parts").rglob("events.parquet")
    }
    deliver_days(workshop, range(60, 61))
    workshop.prepare()
    assert len(read) <= 2 * GROUP_FILES and "logs/day=060/events.csv" in read
    after = {
        path: path.stat().st_ino
        for path in Path("cache/prepare/generation/parts").rglob("events.parquet")
    }
    assert sum(after[path] != inode for path, inode in before.items()) == 1, (
        "only the newest part is made again"
    )


def test_what_a_run_did_not_use_is_forgotten(workshop: Workshop) -> None:
    for number in range(3):
        workshop.clear()
        deliver_days(workshop, range(number, number + 2))
        workshop.prepare()
    assert len(list(Path("cache/prepare/chunks").iterdir())) <= 2


def test_a_changed_file_of_the_same_size_and_time_is_seen(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv([("ann", "x", 1_700_000_000, 1.0)]))
    path = Path("data/logs/all.csv")
    old = time.time() - 60
    os.utime(path, (old, old))
    workshop.prepare()
    workshop.deliver("all.csv", as_csv([("ann", "y", 1_700_000_000, 1.0)]))
    os.utime(path, (old, old))
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["y"]
