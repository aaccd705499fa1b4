"""What names the columns of delimited text, and what is said where a name is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.column_names import (
    check_columns,
    check_delimited,
    looks_like_data,
    names_without_header,
    parse_header,
    unique_names,
)
from slmrec.preprocessing.logs.delimited import Delimited
from slmrec.preprocessing.logs.text_blocks import Block
from tests.support.logs import source

CSV, TSV, COLONS = Delimited(",", '"'), Delimited("\t", None), Delimited("::", '"')
PATH = Path("x.csv")


def test_a_header_names_the_columns() -> None:
    header = Block(b'user,"item, id"\r\n', 0)
    assert parse_header(header, CSV, PATH) == ["user", "item, id"]
    assert parse_header(Block(b'user\t"item\n', 0), TSV, PATH) == ["user", '"item']
    assert parse_header(Block(b"user::item\n", 0), COLONS, PATH) == ["user", "item"]


@pytest.mark.parametrize(
    ("line", "encoding", "message"),
    [
        (b"us\xe9r,item\n", "utf-8", r"\(not UTF-8\); set encoding: latin-1 .*, or cp1252"),
        (b"us\x81r,item\n", "cp1252", r"\(not cp1252\); set its encoding"),
        (b"u\0s\0e\0r\0,\0i\0\n", "utf-8", "NUL bytes.*; set encoding: utf-16-le"),
        (b'"user,item\n', "utf-8", "is it ',' *-separated text"),
    ],
)
def test_a_header_that_cannot_be_read_is_told(line: bytes, encoding: str, message: str) -> None:
    with pytest.raises(DataError, match=f"x.csv has no readable header line .*{message}"):
        parse_header(Block(line, 0, encoding), CSV, PATH)


def test_columns_without_a_header_are_counted_by_most_of_the_first_lines() -> None:
    block = Block(b'bad\n1,2,3\n"4, 5",6,7\n8,9,10,11\n', 1)
    assert names_without_header(block, None, CSV, PATH) == ["1", "2", "3"]
    assert names_without_header(block, ["a", "b", "c"], CSV, PATH) == ["a", "b", "c"]
    with pytest.raises(DataError, match=r"has 3 columns, but names lists 2; its first line is 'b"):
        names_without_header(block, ["a", "b"], CSV, PATH)


def test_a_column_may_be_there_twice_if_nobody_wants_it() -> None:
    check_columns(PATH, ["user", "item"], ["user", "item", "text", "text"])
    with pytest.raises(DataError, match="names a column twice: item, which params"):
        check_columns(PATH, ["user", "item"], ["user", "item", "item"])
    assert unique_names(["a", "b", "a", "a"]) == ["a", "b", "a\x001", "a\x002"]


@pytest.mark.parametrize(
    ("present", "changes", "message"),
    [
        (["user", "movie"], {}, "has no column item; it has user, movie; name the columns"),
        (["1", "14", "5", "2014-05-16T09:04:56Z"], {}, "'1, 14, 5, .*looks like data; set header"),
        (
            ["1", "2", "3"],
            {"header": "none"},
            r'their? 3 columns .*called "1", "2", \.\.\.: 1, 2, 3',
        ),
        (["u", "i"], {"header": "none", "names": ["u", "i"]}, "called as names lists them: u, i"),
        (["user;item;time"], {}, "is one field, 'user;item;time'; is its delimiter ';'"),
        (["user::item::time"], {}, "is its delimiter '::'"),
        (["user"], {}, "has no column item; it has user; name the columns"),
    ],
)
def test_a_missing_column_is_told_with_the_setting_that_would_find_it(
    present: list[str], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message.replace("their?", "its")):
        check_delimited(PATH, source("*", **changes), ["item"], present)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user", "item"], False),
        (["user", "17"], True),
        (["6", "2014-04-07T10:51:09.277Z", "x"], True),
        (["196", "242", "3", "-1.5e3"], True),
        (["0", "1", "2"], False),  # as pandas names columns that have no names
        (["1", "2", "3"], False),
        (["user_1", "2nd"], False),
    ],
)
def test_a_first_line_with_a_number_or_a_time_looks_like_data(
    names: list[str], expected: bool
) -> None:
    assert looks_like_data(names) is expected
