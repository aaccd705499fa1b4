"""Served lists from every kind of file, and the clicks that follow them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.registry.served_log import read_served, with_clicks

ROWS: list[list[Any]] = [
    ["u2", "2026-01-02T00:00:00+02:00", ["i3"], None],  # is 22:00 of the day before
    ["u1", "2026-01-01T08:00:00Z", ["i5", "i9"], "i9"],
]


def test_every_kind_of_file_gives_the_same_table_in_order_of_time(tmp_path: Path) -> None:
    names = ("user", "time", "items", "clicked")
    records = [dict(zip(names, row, strict=True)) for row in ROWS]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "b.csv").write_text(
        "user,time,items,clicked\nu2,1767304800,i3,\nu1,1767254400,i5|i9,i9\n"
    )
    times = [datetime(2026, 1, 1, 22, tzinfo=UTC), datetime(2026, 1, 1, 8, tzinfo=UTC)]
    frame = pl.DataFrame(records).with_columns(time=pl.Series(times))
    frame.write_parquet(tmp_path / "c.parquet")
    first = read_served(tmp_path / "a.jsonl", "1.0.0")
    assert first["user"].to_list() == ["u1", "u2"]
    assert first["time"].to_list() == times[::-1]
    assert first["items"].to_list() == [["i5", "i9"], ["i3"]]
    assert first["clicked"].to_list() == ["i9", None]
    assert first["history"].to_list() == [None, None]
    for name in ("b.csv", "c.parquet"):
        assert read_served(tmp_path / name, "1.0.0").equals(first), name
    assert len(read_served(tmp_path, "1.0.0")) == 6


def test_numbers_as_ids_and_rows_of_other_versions(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [
        {"user": 7, "time": 0, "items": [1, 2], "history": [3], "version": version}
        for version in ("1.0.0", "1.0.1", "1.0.1")
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    served = read_served(log, "1.0.1")
    assert served["items"].to_list() == [["1", "2"]] * 2
    assert served["history"].to_list() == [["3"]] * 2
    assert served["user"].to_list() == ["7", "7"]
    with pytest.raises(DataError, match=r"holds no list that 2\.0\.0 served"):
        read_served(log, "2.0.0")


def test_an_event_belongs_to_the_last_list_before_it_and_the_first_one_counts(
    tmp_path: Path,
) -> None:
    (tmp_path / "log.csv").write_text(
        "user,time,items\nu1,1000,i1\nu1,2000,i2\nu2,1000,i3\nu3,1000,i4\n"
    )
    (tmp_path / "events.csv").write_text(
        "user,time,item\n"
        "u1,2600,later\nu1,2500,first\n"  # both after the second list
        "u2,999,before\nu2,4601,too-late\n"  # 3,601 s after the list
        "u3,1000,at-once\nu4,1000,nobody\n"
    )
    served = read_served(tmp_path / "log.csv", "1.0.0")
    clicked = with_clicks(served, tmp_path / "events.csv", within_hours=1)
    assert clicked.columns == served.columns
    assert dict(zip(clicked["items"].list.first(), clicked["clicked"], strict=True)) == {
        "i1": None,
        "i2": "first",
        "i3": None,
        "i4": "at-once",
    }


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("user,time\nu1,5\n", DataError, "has no column items, it has user, time"),
        ("user,time,items\nu1,noon,i1\n", DataError, "column time is no time"),
        ("user,time,items\n,5,i1\nu2,6,i1\n", DataError, "column user is empty in 1 of 2 rows"),
        ("user,time,items\n", DataError, "holds no list"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(error, match=says):
        read_served(tmp_path / "log.csv", "1.0.0")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is missing"):
        read_served(tmp_path / "no.csv", "1.0.0")
    with pytest.raises(UsageError, match=r"holds no file of \.parquet"):
        read_served(tmp_path, "1.0.0")
    (tmp_path / "log.xlsx").write_text("")
    with pytest.raises(UsageError, match="of no kind that is read"):
        read_served(tmp_path / "log.xlsx", "1.0.0")
    (tmp_path / "log.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="is no such table"):
        read_served(tmp_path / "log.parquet", "1.0.0")
