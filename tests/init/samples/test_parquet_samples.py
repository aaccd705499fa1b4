"""Parquet as sampled tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from slmrec.init.samples.parquet_samples import ROWS_READ, is_parquet, sample_parquet
from slmrec.init.samples.raw_files import UnreadableFileError
from slmrec.init.samples.sampled_table import LIST, NUMBER, OBJECTS, TEXT, TIME


def test_columns_have_the_kinds_of_their_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(
        {
            "user": ["a", "b"],
            "item": [1.0, None],
            "at": [datetime(2026, 1, 2, 3, tzinfo=UTC)] * 2,
            "day": [date(2026, 1, 2)] * 2,
            "ids": [[1, 2], [3]],
            "events": [[{"aid": 1}], []],
        }
    ).write_parquet(path)

    table = sample_parquet(path)

    kinds = [column.kind for column in table.columns]
    assert kinds == [TEXT, NUMBER, TIME, TIME, LIST, OBJECTS]
    assert table.column("item").values == ["1", None]
    assert table.column("at").values[0] == "2026-01-02T03:00:00+00:00"
    assert table.column("ids").items == [["1", "2"], ["3"]]
    assert table.column("events").keys == ("aid",)
    assert (table.layout.rows, table.complete) == (2, True)


def test_of_many_row_groups_some_of_start_middle_and_end_are_read(tmp_path: Path) -> None:
    path, rows = tmp_path / "a.parquet", 100_000
    pl.DataFrame({"item": range(rows)}).write_parquet(path, row_group_size=rows // 10)

    table = sample_parquet(path)

    values = [int(value) for value in table.column("item").values if value is not None]
    assert table.rows == len(values) == ROWS_READ
    assert (min(values), max(values) >= rows * 0.7) == (0, True)
    assert (table.layout.rows, table.complete) == (rows, False)


def test_a_file_without_its_end_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"item": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:200])

    assert is_parquet(path)
    with pytest.raises(UnreadableFileError, match="not readable Parquet"):
        sample_parquet(path)
