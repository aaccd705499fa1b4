"""The event files in order of time, and the time at any place among them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.preprocessing.events.event_files import find_event_files


def write_events(folder: Path, name: str, times: list[int]) -> None:
    path = folder / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"user_index": times, "item_index": times, "time": times, "weight": times}
    pl.DataFrame(columns).cast(tables.EVENTS).write_parquet(path)


def test_files_are_counted_in_order_of_time(tmp_path: Path) -> None:
    write_events(tmp_path, "month=2024-01/from-01.parquet", [30])
    write_events(tmp_path, "month=2023-12/from-15.parquet", [20, 21])
    write_events(tmp_path, "month=2023-12/from-01.parquet", [10, 11, 12])
    files = find_event_files(tmp_path)
    assert files.events == [3, 2, 1] and files.total == 6
    assert [files.time_at(place) for place in range(6)] == [10, 11, 12, 20, 21, 30]
    with pytest.raises(IndexError):
        files.time_at(6)


def test_no_event_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no event; loosen the rules of prepare"):
        find_event_files(tmp_path)
    write_events(tmp_path, "month=2023-12/from-01.parquet", [])
    with pytest.raises(DataError, match="holds no event"):
        find_event_files(tmp_path)
