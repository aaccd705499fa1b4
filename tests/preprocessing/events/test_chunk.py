"""What is written of a chunk reads back: events of some days, ids by code, bad rows, origins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.chunk import EVENT_COLUMNS, Chunk, read_chunk, write_chunk
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, RowBatch
from tests.support.logs import DAY, START, event_columns, params

FIRST_DAY = START // DAY
US = 1_000_000


def written(tmp_path: Path, rows: list[tuple[Any, ...]], **changes: Any) -> Chunk:
    """A chunk of rows of user, item, time and weight, of file 0 of two."""
    p = PrepareParams.model_validate(params(**changes)["prepare"])
    names = ["user", "item", "time", "weight"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_row_index("row", offset=1)
    no_lines = pl.DataFrame(schema={**BAD_LINES, "file": pl.UInt16})
    batch = RowBatch(table.with_columns(file=pl.lit(0, pl.UInt16)), no_lines)
    folder = tmp_path / "group"
    folder.mkdir()
    entry = write_chunk(batch, p, folder / "00000.arrow")
    return read_chunk(folder, entry, ("a.csv", "b.csv"))


ROWS = [
    ("bob", "x", START + 2 * DAY, 2.0),
    ("ann", "x", START, 1.0),
    ("ann", "y", START + 5, 3.0),
    ("ann", None, START, 1.0),
]


def test_days_and_rows_are_counted(tmp_path: Path) -> None:
    chunk = written(tmp_path, ROWS)
    assert chunk.name == "group/00000" and chunk.group == "group" and chunk.rows == 4
    assert chunk.days.tolist() == [FIRST_DAY, FIRST_DAY + 2]
    assert chunk.events_of_days.tolist() == [2, 1]


def test_the_rows_of_each_file_are_counted_good_or_bad(tmp_path: Path) -> None:
    assert written(tmp_path, ROWS).rows_of_files == {0: 4}
    (tmp_path / "group").rename(tmp_path / "first")
    p = PrepareParams.model_validate(params()["prepare"])
    lines = {"row": [7, 8], "reason": ["x", "x"], "text": ["", ""], "file": [2, 0]}
    bad = pl.DataFrame(lines, schema={**BAD_LINES, "file": pl.UInt16})
    rows = pl.DataFrame(ROWS, schema=["user", "item", "time", "weight"], orient="row")
    rows = rows.with_columns(
        row=pl.lit(1, pl.UInt32), file=pl.Series([0, 0, 1, 1], dtype=pl.UInt16)
    )
    batch = RowBatch(rows, bad)
    entry = write_chunk(batch, p, tmp_path / "00000.arrow")
    chunk = read_chunk(tmp_path, entry, ("a.csv", "b.csv", "c.csv"))
    assert chunk.rows_of_files == {0: 3, 1: 2, 2: 1}


def test_a_list_keeps_its_order_though_the_logs_have_no_sequence(tmp_path: Path) -> None:
    texts = [("ann", "z b", START, 1.0)]
    changes = {"prepare__events__lists": "explode", "prepare__events__list_separator": " "}
    chunk = written(tmp_path, texts, **changes)
    events = chunk.events(FIRST_DAY, FIRST_DAY)
    items = chunk.scan_ids("items").collect()["id"]
    ordered = events.sort("sequence")["item"]
    assert [items[code] for code in ordered] == ["z", "b"]


def test_the_events_of_some_days_are_read_without_the_others(tmp_path: Path) -> None:
    chunk = written(tmp_path, ROWS)
    users = chunk.scan_ids("users").collect()["id"]
    for first, last, expected in (
        (FIRST_DAY, FIRST_DAY, ["ann", "ann"]),
        (FIRST_DAY + 1, FIRST_DAY + 5, ["bob"]),
        (FIRST_DAY, FIRST_DAY + 2, ["ann", "ann", "bob"]),
        (FIRST_DAY + 1, FIRST_DAY + 1, []),
    ):
        events = chunk.events(first, last)
        assert [users[code] for code in events["user"]] == expected
        assert chunk.holds(first, last) == bool(expected)


def test_ids_come_in_order_of_code_with_their_first_times(tmp_path: Path) -> None:
    chunk = written(tmp_path, ROWS)
    assert dict(chunk.scan_ids("users").collect().iter_rows()) == {
        "bob": (START + 2 * DAY) * US,
        "ann": START * US,
    }
    assert dict(chunk.scan_ids("items").collect().iter_rows()) == {
        "x": START * US,
        "y": (START + 5) * US,
    }


def test_bad_rows_and_the_places_of_events_are_kept(tmp_path: Path) -> None:
    chunk = written(tmp_path, ROWS)
    assert chunk.bad().select("row", "reason", "file").rows() == [(4, "no item", 0)]
    assert chunk.origins().rows() == [(0, 2), (0, 3), (0, 1)], "in order of time"


def test_a_chunk_without_a_bad_row_has_none(tmp_path: Path) -> None:
    chunk = written(tmp_path, ROWS[:2])
    assert len(chunk.bad()) == 0 and not chunk.path.with_suffix(".bad").exists()


def test_columns_that_the_logs_lack_are_not_stored_but_read(tmp_path: Path) -> None:
    columns = event_columns(weight=None)
    chunk = written(tmp_path, ROWS[:2], prepare__events__columns=columns)
    assert "weight" not in pl.read_ipc_schema(chunk.path)
    events = chunk.events(FIRST_DAY, FIRST_DAY + 2)
    assert dict(events.select(EVENT_COLUMNS.names()).schema) == dict(EVENT_COLUMNS)
    assert events["weight"].to_list() == [1.0, 1.0] and events["sequence"].to_list() == [0, 0]
