"""One text file as rows, whatever its format, and what is said of one that gives none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.events.id_text import NO_ID
from slmrec.preprocessing.logs import text_blocks
from slmrec.preprocessing.logs.text_blocks import RowBatch
from slmrec.preprocessing.logs.text_files import read_text
from tests.support.logs import START, Workshop, as_csv, event_columns, source

WANTED = ["user", "item"]
EVENTS = [(f"user {n % 3}", f"item {n}", START + n, 1.0) for n in range(50)]


def rows_of(
    tmp_path: Path, content: bytes, text_format: str, wanted: list[str], **changes: Any
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows and bad lines of a file of such content."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    batches: list[RowBatch] = list(read_text(path, text_format, source("*", **changes), wanted))
    return (
        pl.concat([batch.rows for batch in batches]).rows(),
        pl.concat([batch.bad for batch in batches]).rows(),
    )


def test_without_a_header_the_first_line_is_a_row(tmp_path: Path) -> None:
    content = b"u,i,1\nv,j,2\n"
    rows, bad = rows_of(tmp_path, content, "csv", ["3", "1"], header="none")
    assert rows == [(1, "1", "u"), (2, "2", "v")] and not bad
    names = {"header": "none", "names": ["user", "item", "time"]}
    rows, _ = rows_of(tmp_path, content, "csv", WANTED, **names)
    assert rows == [(1, "u", "i"), (2, "v", "j")]


@pytest.mark.parametrize("block_bytes", [20, 33, 1 << 20])
def test_a_file_without_a_header_may_be_of_many_blocks(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 32 + block_bytes)
    workshop.set(prepare__events__header="none", prepare__events__names=[*WANTED, "time", "weight"])
    _, _, without_header = as_csv(EVENTS).partition(b"\n")
    workshop.deliver("a.csv", without_header)
    assert workshop.prepare()["rows"] == 50
    assert workshop.events()["item"].to_list() == [item for _, item, _, _ in EVENTS]


def test_a_path_of_keys_gives_lists_beside_a_text(tmp_path: Path) -> None:
    content = b'{"user": 1, "events": [{"item": 5, "time": 7}, {"item": 6, "time": 8}]}\n'
    wanted = ["user", "events.item", "events.time"]
    rows, _ = rows_of(tmp_path, content, "jsonl", wanted)
    assert rows == [(1, "1", "[5, 6]", "[7, 8]")]
    rows, _ = rows_of(tmp_path, content, "jsonl", wanted, columns=event_columns(user="events.item"))
    assert rows == [(1, "1", f'{NO_ID}["5", "6"]', "[7, 8]")], "an id is never a list"


def test_a_record_may_be_longer_than_another_line(tmp_path: Path) -> None:
    wanted = ["user", "events.item"]
    events = [{"item": n} for n in range(10_000)]
    for text_format, line in (("jsonl", json.dumps), ("python_literal", str)):
        content = f"{line({'user': 'a', 'events': events})}\n".encode()
        rows, _ = rows_of(tmp_path, content, text_format, wanted)
        assert rows[0][2].count(",") == 9_999 and len(content) > text_blocks.MAX_LINE_BYTES


def test_each_object_of_a_list_may_be_an_event_of_its_own(tmp_path: Path) -> None:
    content = (
        b'{"user": 1, "events": [{"item": 5, "time": 7}, {"item": 6, "time": 8}]}\n'
        b'no json\n{"user": 2, "events": []}\n'
    )
    wanted = ["user", "events.item", "events.time"]
    columns = event_columns(item="events.item", time="events.time", weight=None)
    changes = {"columns": columns, "lists": "explode"}
    rows, bad = rows_of(tmp_path, content, "jsonl", wanted, **changes)
    empty = NO_ID + "[]"
    assert rows == [(1, "1", "5", "7"), (1, "1", "6", "8"), (3, "2", empty, empty)]
    assert [row for row, _, _ in bad] == [2]


def test_the_keys_are_looked_for_beyond_lines_that_are_no_records(tmp_path: Path) -> None:
    rows, bad = rows_of(tmp_path, b'no\n{"user": 1, "item": 2}\n', "jsonl", WANTED)
    assert rows == [(2, "1", "2")] and len(bad) == 1
    with pytest.raises(DataError, match="has no column item; it has user"):
        rows_of(tmp_path, b'no\n{"user": 1}\n', "jsonl", WANTED)
    with pytest.raises(DataError, match=r"has no column events\.item; it has events"):
        rows_of(tmp_path, b'{"events": [{"user": 1}]}\n', "jsonl", ["events.item"])


@pytest.mark.parametrize(
    ("content", "text_format", "changes", "message"),
    [
        (b"{'user': 1, 'item': 2}\n" * 3, "jsonl", {}, r"all 3 are bad \(row 1: malformed line, "
         r".*; the first line is a Python literal; set format: python_literal"),
        (b'{"user": true}\n', "python_literal", {}, "is JSON; set format: jsonl"),
        (b'[{"user": 1,\n"item": 2}]\n', "jsonl", {}, "one JSON list; write its objects"),
        (b'{\n"user": 1,\n"item": 2\n}\n', "jsonl", {}, "JSON over several lines; write an object"),
        (b"user,item\n1,2\n", "jsonl", {}, "is it jsonl"),
        (b"user,item\n\xe9,2\n", "csv", {}, "row 1: not UTF-8, .*; set encoding: latin-1"),
        (b"user,item\n\x81,2\n", "csv", {"encoding": "cp1252"}, "not cp1252, .*; set its encoding"),
        (b"user,item\n1\0,2\n", "csv", {}, "NUL byte, .*; set encoding: utf-16-le"),
        (b"user,item\n1\n", "csv", {}, "set delimiter, header or names"),
        (b"user,item\n" + b"x" * 70_000, "csv", {}, "line too long, .*; deliver it again"),
    ],
)  # fmt: skip
def test_a_file_without_a_row_is_told_with_what_would_read_it(
    tmp_path: Path, content: bytes, text_format: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=rf"a\.txt gives no row: .*{message}"):
        rows_of(tmp_path, content, text_format, WANTED, **changes)


@pytest.mark.parametrize("header", ["first_line", "none"])
def test_a_file_of_nothing_but_a_header_has_no_rows(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"user,item\n" if header == "first_line" else b"\xef\xbb\xbf")
    batches = read_text(path, "csv", source("*", header=header), WANTED)
    assert sum(len(batch.rows) + len(batch.bad) for batch in batches) == 0


def test_bad_lines_before_the_first_row_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 16)
    content = b"user,item\n" + b"1,2,3,4\n" * 5 + b"u,i\n"
    rows, bad = rows_of(tmp_path, content, "csv", WANTED)
    assert rows == [(6, "u", "i")] and [row for row, _, _ in bad] == [1, 2, 3, 4, 5]
