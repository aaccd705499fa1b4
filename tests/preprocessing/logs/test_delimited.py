"""Fields of delimited text; the fast parser and the line-wise one agree."""

from __future__ import annotations

import pytest

from slmrec.preprocessing.logs.delimited import STAND_INS, Delimited, parse_delimited
from slmrec.preprocessing.logs.text_blocks import Block
from tests.support.logs import START, Workshop, as_csv, as_tsv

CSV, TSV = Delimited(",", '"'), Delimited("\t", None)
NAMES = ["a", "b", "c"]
GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(20)]


def test_the_wanted_columns_come_in_the_order_they_are_wanted() -> None:
    batch = parse_delimited(Block(b"1,2,3\n4,,6\n", 10), NAMES, ["c", "b"], CSV).batch
    assert batch.rows.rows() == [(10, "3", "2"), (11, "6", None)]
    assert len(batch.bad) == 0


def test_a_bad_line_spoils_no_other() -> None:
    data = b'1,2,3\n1,2\n"x, y",5,6\n1,2,3,4\n"open,5,6\n7,8,9\n'
    batch = parse_delimited(Block(data, 1), NAMES, NAMES, CSV).batch
    assert batch.rows.rows() == [(1, "1", "2", "3"), (3, "x, y", "5", "6"), (6, "7", "8", "9")]
    assert batch.bad.rows() == [
        (2, "malformed line", "1,2"),
        (4, "malformed line", "1,2,3,4"),
        (5, "malformed line", '"open,5,6'),
    ]


def test_line_by_line_gives_what_the_fast_parser_gives() -> None:
    lines = b"".join(b"%d,%d,\n" % (number, number * 7) for number in range(50))
    fast = parse_delimited(Block(lines, 1), NAMES, NAMES, CSV).batch
    slow = parse_delimited(Block(lines + b"short\n", 1), NAMES, NAMES, CSV).batch
    assert slow.rows.equals(fast.rows) and len(slow.bad) == 1


def test_separators_of_one_line_do_not_stand_in_for_those_of_another() -> None:
    # four separators in two lines, as two good lines have, but three and one
    batch = parse_delimited(Block(b"1,2,3,4\n5,6\n", 1), NAMES, NAMES, CSV).batch
    assert len(batch.rows) == 0 and batch.bad["row"].to_list() == [1, 2]


def test_a_line_of_one_column_needs_no_separator() -> None:
    batch = parse_delimited(Block(b"x\ny\n", 1), ["a"], ["a"], CSV).batch
    assert batch.rows.rows() == [(1, "x"), (2, "y")]


@pytest.mark.parametrize("delimiter", ["::", "||", "§", ", "])
def test_a_delimiter_may_have_several_characters(delimiter: str) -> None:
    form = Delimited(delimiter, '"')
    lines = [delimiter.join((f"{number}", f"x{number}: y", "")) for number in range(50)]
    data = "\n".join(lines).encode()
    fast = parse_delimited(Block(data, 1), NAMES, NAMES, form).batch
    slow = parse_delimited(Block(data + b"\nshort\n", 1), NAMES, NAMES, form).batch
    assert fast.rows.rows() == [(n + 1, f"{n}", f"x{n}: y", None) for n in range(50)]
    assert slow.rows.equals(fast.rows) and slow.bad["row"].to_list() == [51]


def test_a_quote_beside_a_long_delimiter_quotes_a_field_or_is_a_character() -> None:
    data = b'1::"a::b ""c"""::2\n3::"Great" Cats::4\n5::"open::6\n7::"two\nlines"::8\n'
    batch = parse_delimited(Block(data, 1), NAMES, NAMES, Delimited("::", '"')).batch
    assert batch.rows.rows() == [
        (1, "1", 'a::b "c"', "2"),
        (2, "3", '"Great" Cats', "4"),
        (3, "5", '"open', "6"),
        (4, "7", "two\nlines", "8"),
    ]


def test_a_block_that_holds_every_control_character_is_read_line_by_line() -> None:
    data = b"1::" + b"".join(STAND_INS) + b"::3\n4::5::6\n"
    batch = parse_delimited(Block(data, 1), NAMES, ["a", "c"], Delimited("::", None)).batch
    assert batch.rows.rows() == [(1, "1", "3"), (2, "4", "6")]


def test_a_record_that_may_go_on_is_left_for_the_next_block() -> None:
    block = Block(b'1,2,3\n4,"5\n\nmore', 7)
    parsed = parse_delimited(block, NAMES, NAMES, CSV, is_last=False)
    assert parsed.batch.rows["row"].to_list() == [7] and len(parsed.batch.bad) == 0
    assert parsed.rest == b'4,"5\n\nmore'
    last = parse_delimited(block, NAMES, NAMES, CSV)
    assert last.batch.bad["row"].to_list() == [8, 10] and last.rest == b""


def test_a_quote_that_opens_in_a_line_of_even_quotes_spoils_that_line_alone() -> None:
    data = b'"1",2,3\nx"y,"z,4\n"5",6,7\n"8",9,"10"\n'
    batch = parse_delimited(Block(data, 1), NAMES, NAMES, CSV).batch
    assert batch.rows.rows() == [(1, "1", "2", "3"), (3, "5", "6", "7"), (4, "8", "9", "10")]
    assert batch.bad["row"].to_list() == [2]


def test_a_quoted_comma_is_part_of_a_field(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD) + b'"a, b","say ""hi""",1700000000,1\n')
    assert workshop.prepare()["quarantined"] == {}
    assert ("a, b", 'say "hi"') in set(workshop.events().select("user", "item").iter_rows())


def test_a_quote_in_a_tsv_is_a_character_like_any_other(workshop: Workshop) -> None:
    workshop.deliver("all.tsv", as_tsv(GOOD) + b'"ann\t7" nail\t1700000000\t1\n')
    assert workshop.prepare()["events"] == 21
    assert ('"ann', '7" nail') in set(workshop.events().select("user", "item").iter_rows())
