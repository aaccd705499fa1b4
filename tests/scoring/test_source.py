"""Histories are read whole, in order, once, however their files are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.scoring.source import Source
from tests.support.scored import walks, write_histories

LISTS = walks(10)


def read(source: Source, size: int, wanted: set[int]) -> dict[int, list[str]]:
    return {part: table["user"].to_pylist() for part, table in source.parts(size, wanted)}


@pytest.mark.parametrize("rows_of_group", [1, 3, 10])
@pytest.mark.parametrize("cut", [1, 4, 9])
def test_parts_do_not_depend_on_row_groups_and_files(
    tmp_path: Path, rows_of_group: int, cut: int
) -> None:
    write_histories(tmp_path / "in" / "a.parquet", LISTS[:cut], 0, rows_of_group)
    write_histories(tmp_path / "in" / "day=2" / "b.parquet", LISTS[cut:], cut, rows_of_group)
    source = Source.at(tmp_path / "in")
    assert source.users == 10
    assert read(source, 4, {0, 1, 2}) == {
        0: ["u0", "u1", "u2", "u3"],
        1: ["u4", "u5", "u6", "u7"],
        2: ["u8", "u9"],
    }
    assert read(source, 4, {0, 2}) == {0: ["u0", "u1", "u2", "u3"], 2: ["u8", "u9"]}
    (table,) = (table for _, table in source.parts(4, {1}))
    assert table["items"].to_pylist() == LISTS[4:8]


def test_row_groups_of_no_wanted_part_are_not_read(tmp_path: Path) -> None:
    file = write_histories(tmp_path / "h.parquet", LISTS, rows_of_group=2)
    row_group = pq.ParquetFile(file).metadata.row_group(1)
    data = bytearray(file.read_bytes())
    start = row_group.column(0).dictionary_page_offset
    data[start : start + 20] = bytes(20)
    file.write_bytes(data)
    assert read(Source.at(file), 4, {1, 2})[1] == ["u4", "u5", "u6", "u7"]
    with pytest.raises(DataError, match="cannot be read to its end"):
        read(Source.at(file), 4, {0})


def test_what_other_libraries_write_is_read(tmp_path: Path) -> None:
    lists = pa.array([["i2"], []], pa.large_list(pa.large_string()))
    users = pa.array(["a", "b"]).dictionary_encode()
    columns = {"items": lists, "more": [1, 2], "user": users}
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    write_histories(tmp_path / "a.parquet", [["i9"]])
    ((_, table),) = Source.at(tmp_path).parts(8, {0})
    assert table.to_pylist() == [
        {"user": "u0", "items": ["i9"]},
        {"user": "a", "items": ["i2"]},
        {"user": "b", "items": []},
    ]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    write_histories(tmp_path / "a.parquet", LISTS)
    for name in ("_temporary/b.parquet", ".crc.parquet"):
        write_histories(tmp_path / name, LISTS)
    assert Source.at(tmp_path).users == 10


def test_the_hash_is_of_names_and_bytes(tmp_path: Path) -> None:
    file = write_histories(tmp_path / "in" / "a.parquet", LISTS)
    before = Source.at(tmp_path / "in").facts()
    assert before["users"] == 10
    assert before["bytes"] == file.stat().st_size
    file.rename(file.with_name("b.parquet"))
    assert Source.at(tmp_path / "in").facts()["sha256"] != before["sha256"]
    write_histories(file.with_name("b.parquet"), LISTS[::-1])
    assert Source.at(tmp_path / "in").facts()["sha256"] != before["sha256"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": [1], "items": [["i2"]]}, "user is int64; give columns `user`"),
        ({"user": ["a"], "items": [[2]]}, "items is list<element: int64>"),
        ({"user": ["a"], "items": ["i2"]}, "items is string"),
        ({"user": ["a"], "history": [["i2"]]}, "has the columns user, history"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "h.parquet")
    with pytest.raises(DataError) as error:
        Source.at(tmp_path / "h.parquet")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("users", "lists", "message"),
    [
        (["a", "b", None], [["i2"], [], []], "row 2 .* has no user"),
        (["a", "b", "c"], [["i2"], None, []], "row 1 .* has no items"),
        (["a", "b", "c"], [["i2"], [], ["i3", None]], "row 2 .* has an item that is null"),
    ],
)
def test_a_gap_is_an_error_that_names_its_row(
    tmp_path: Path, users: list[Any], lists: list[Any], message: str
) -> None:
    pq.write_table(pa.table({"user": users, "items": lists}), tmp_path / "h.parquet")
    with pytest.raises(DataError, match=message):
        read(Source.at(tmp_path), 2, {0, 1})


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    buffers = [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    users = pa.Array.from_buffers(pa.string(), 1, buffers)
    pq.write_table(pa.table({"user": users, "items": [["i2"]]}), tmp_path / "h.parquet")
    with pytest.raises(DataError, match="not UTF-8"):
        read(Source.at(tmp_path), 2, {0})


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "h.parquet").write_text("user,items")
    with pytest.raises(DataError, match=r"h\.parquet is not readable as Parquet"):
        Source.at(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_where_no_file_is_the_place_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=f"{name} is neither a Parquet file nor a folder"):
        Source.at(tmp_path / name)
