"""Fields of delimited text; the fast parser and the line-wise one agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.delimited import Delimited, parse_delimited, parse_header
from slmrec.preprocessing.logs.text_blocks import Block
from tests.support.logs import START, Workshop, as_csv, as_tsv

CSV, TSV = Delimited(",", '"'), Delimited("\t", None)
NAMES = ["a", "b", "c"]
GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(20)]


def test_a_header_names_the_columns() -> None:
    assert parse_header(b'user,"item, id"\r\n', CSV, Path("x.csv")) == ["user", "item, id"]
    assert parse_header(b'user\t"item\n', TSV, Path("x.tsv")) == ["user", '"item']


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"user,item,user\n", "x.csv names a column twice in its header: user, item, user"),
        (b"us\xe9r,item\n", "x.csv has no readable header line"),
        (b'"user,item\n', "is it ',' *-separated text"),
    ],
)
def test_a_header_that_cannot_be_read_is_told(line: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_header(line, CSV, Path("x.csv"))


def test_the_wanted_columns_come_in_the_order_they_are_wanted() -> None:
    batch = parse_delimited(Block(b"1,2,3\n4,,6\n", 10), NAMES, ["c", "b"], CSV)
    assert batch.rows.rows() == [(10, "3", "2"), (11, "6", None)]
    assert len(batch.bad) == 0


def test_a_bad_line_spoils_no_other() -> None:
    data = b'1,2,3\n1,2\n"x, y",5,6\n1,2,3,4\n"open,5,6\n7,8,9\n'
    batch = parse_delimited(Block(data, 1), NAMES, NAMES, CSV)
    assert batch.rows.rows() == [(1, "1", "2", "3"), (3, "x, y", "5", "6"), (6, "7", "8", "9")]
    assert batch.bad.rows() == [
        (2, "malformed line", "1,2"),
        (4, "malformed line", "1,2,3,4"),
        (5, "malformed line", '"open,5,6'),
    ]


def test_line_by_line_gives_what_the_fast_parser_gives() -> None:
    lines = b"".join(b"%d,%d,\n" % (number, number * 7) for number in range(50))
    fast = parse_delimited(Block(lines, 1), NAMES, NAMES, CSV)
    slow = parse_delimited(Block(lines + b"short\n", 1), NAMES, NAMES, CSV)
    assert slow.rows.equals(fast.rows) and len(slow.bad) == 1


def test_separators_of_one_line_do_not_stand_in_for_those_of_another() -> None:
    # four separators in two lines, as two good lines have, but three and one
    batch = parse_delimited(Block(b"1,2,3,4\n5,6\n", 1), NAMES, NAMES, CSV)
    assert len(batch.rows) == 0 and batch.bad["row"].to_list() == [1, 2]


def test_a_line_of_one_column_needs_no_separator() -> None:
    batch = parse_delimited(Block(b"x\ny\n", 1), ["a"], ["a"], CSV)
    assert batch.rows.rows() == [(1, "x"), (2, "y")]


def test_a_quoted_comma_is_part_of_a_field(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD) + b'"a, b","say ""hi""",1700000000,1\n')
    assert workshop.prepare()["quarantined"] == {}
    assert ("a, b", 'say "hi"') in set(workshop.events().select("user", "item").iter_rows())


def test_a_quote_in_a_tsv_is_a_character_like_any_other(workshop: Workshop) -> None:
    workshop.deliver("all.tsv", as_tsv(GOOD) + b'"ann\t7" nail\t1700000000\t1\n')
    assert workshop.prepare()["events"] == 21
    assert ('"ann', '7" nail') in set(workshop.events().select("user", "item").iter_rows())
