"""What prepare writes: events that the rules keep, users, items, attributes and counts."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.preprocessing.events import writer
from slmrec.preprocessing.events.catalogue import Catalogue
from slmrec.preprocessing.events.partitions import Partition, Presence
from slmrec.preprocessing.events.quarantine import Quarantine
from slmrec.preprocessing.events.writer import EventCounts
from tests.support.logs import DAY, START, Workshop, as_csv, item_source

NO_ITEMS = pl.DataFrame(schema={"id": pl.String, "title": pl.String})


def event_files() -> list[Path]:
    return list(Path("events/events").rglob("*.parquet"))


def test_counts_add_up_over_partitions(tmp_path: Path) -> None:
    # users 0 and 1 of 3; items 2 and 3 of 2, 3 and 4, whose numbers start at 2
    counts = EventCounts(np.zeros(3, dtype=bool), np.zeros(5, dtype=np.int64))
    partition = Partition("month", tmp_path, events=10, ties=2, duplicates=0, chunks=[])
    counts.add(partition, Presence(np.array([0]), np.array([2, 3]), np.array([4, 1])))
    counts.add(partition, Presence(np.array([0, 1]), np.array([2]), np.array([5])))
    catalogue = Catalogue(NO_ITEMS, {}, {}, listed_differently=3)
    metrics = counts.as_metrics(Quarantine(tmp_path), catalogue, known_items=1, overlap=None)
    assert metrics["events"] == 4 + 1 + 5
    assert (metrics["users"], metrics["items"], metrics["items_numbered"]) == (2, 2, 3)
    assert metrics["ties_share"] == (2 + 2) / (10 + 10)
    assert metrics["items_known_before"] == 1 and metrics["items_listed_differently"] == 3
    assert metrics["first_event"] == "1970-01-01T00:00:00Z"


def test_the_first_and_last_event_are_those_after_the_rules(workshop: Workshop) -> None:
    events = [("ann", f"item {day}", START + 30 * day * DAY, 1.0) for day in range(4)]
    workshop.deliver("all.csv", as_csv(events))
    assert workshop.prepare()["first_event"] == "2023-11-14T22:13:20Z"
    workshop.set(prepare__max_history=2)
    counts = workshop.prepare()
    assert counts["first_event"] == "2024-01-13T22:13:20Z"  # 2023-11-14 and 60 days
    assert counts["last_event"] == "2024-02-12T22:13:20Z"
    assert len(event_files()) == 2, "a month of which nothing is kept has no file"
    assert len(list(Path("events/events").iterdir())) == 2


def test_rules_that_leave_nothing_are_told(workshop: Workshop) -> None:
    workshop.set(prepare__min_user_events=2)
    workshop.deliver("all.csv", as_csv([("ann", "x", START, 1.0)]))
    with pytest.raises(DataError, match="no event is left; read the counts in the quarantine"):
        workshop.prepare()


def test_a_title_that_is_listed_no_more_is_the_previous_ones(workshop: Workshop) -> None:
    index = Path("data/index")
    index.mkdir(parents=True)
    known = {"item_index": [2, 3], "item": ["x", "y"], "title": ["Old x", "Old y"]}
    rest = {"first_time": [None, None], "events": [0, 0]}
    table = pl.DataFrame({**known, **rest}, schema=tables.ITEMS)
    table.write_parquet(index / "items.parquet")
    workshop.set(prepare__items=item_source("items.csv", title="name"))
    Path("data/items.csv").write_text("id,name\nx,New x\n")
    workshop.deliver("all.csv", as_csv([("ann", "z", START, 1.0), ("ann", "y", START, 1.0)]))
    counts = workshop.prepare()
    items = pl.read_parquet("events/items.parquet")
    assert items.select("item_index", "item", "title", "events").rows() == [
        (2, "x", "New x", 0),
        (3, "y", "Old y", 1),
        (4, "z", None, 1),
    ]
    assert counts["items_known_before"] == 2
    attributes = pl.read_parquet("events/item_attributes.parquet")
    assert attributes.columns == ["item_index"]


def test_where_a_file_cannot_have_two_names_it_is_copied(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    workshop.deliver_days(range(3))
    workshop.prepare()
    assert {path.stat().st_nlink for path in event_files()} == {2}
    expected = workshop.promised_bytes()
    shutil.rmtree("cache")
    monkeypatch.setattr(writer.os, "link", refuse)
    workshop.prepare()
    assert workshop.promised_bytes() == expected
    assert {path.stat().st_nlink for path in event_files()} == {1}
