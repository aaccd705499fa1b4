"""Line breaks in quoted fields: lines are joined where that gives a record."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmrec.preprocessing.logs import quoted_records, text_blocks
from slmrec.preprocessing.logs.delimited import Delimited, split_line
from slmrec.preprocessing.logs.quoted_records import JoinedLines, join_quoted_lines
from slmrec.preprocessing.logs.text_blocks import Block, readable_lines
from slmrec.preprocessing.logs.text_files import read_text
from tests.support.logs import START, Workshop, source

CSV = Delimited(",", '"')
FIELDS = 3


def joined(data: bytes) -> JoinedLines:
    lines, bad = readable_lines(Block(data, 1))
    return join_quoted_lines(
        lines, bad["row"], '"', lambda text: len(split_line(text, CSV)) == FIELDS
    )


def test_lines_of_a_record_are_joined_under_the_number_of_the_first() -> None:
    result = joined(b'1,2,3\n4,"five\n\nand ""more""",6\n7,8,9\n')
    assert result.lines.rows() == [
        (1, "1,2,3"),
        (2, '4,"five\n\nand ""more""",6'),
        (5, "7,8,9"),
    ]
    assert result.open_row is None


def test_a_record_may_have_several_fields_with_line_breaks() -> None:
    result = joined(b'1,"a\nb","c\nd"\n')
    assert result.lines.rows() == [(1, '1,"a\nb","c\nd"')]


@pytest.mark.parametrize(
    "after",
    [
        b'4,"open,6\n7,"8",9\n10,11,12\n',  # the next quote opens a field of its own
        b'4,"open,6\n7,8,9\n1,"2\n3",4\n',  # the next odd line begins a record
        b'4,"open\n\xff\n5",6\n',  # a line between that is no text
    ],
)
def test_a_quote_that_is_never_closed_joins_nothing(after: bytes) -> None:
    lines = joined(after).lines.rows()
    assert lines[0][1] == after.split(b"\n")[0].decode()


def test_a_record_longer_than_a_line_may_be_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'1,"2\n' + b"x" * 20 + b'\n",3\n'
    assert len(joined(data).lines) == 1
    monkeypatch.setattr(quoted_records, "MAX_LINE_BYTES", 20)
    assert len(joined(data).lines) == 3


def test_the_record_that_the_block_ends_in_is_told() -> None:
    assert joined(b'1,2,3\n4,"5\n\nmore\n').open_row == 2
    assert joined(b'1,2,3\n4,"5\n6",7\n').open_row is None
    assert joined(b'4,"5\n\xff\nmore\n').open_row is None, "a line that is no text ends it"


TEXTS = st.text(alphabet='ab,"\n;é', max_size=6)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12), st.integers(40, 90))
def test_what_csv_writes_is_read_whatever_the_size_of_blocks(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], block_bytes: int
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([("n", "left", "right"), *((str(n), *pair) for n, pair in enumerate(pairs))])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        batches = list(read_text(path, "csv", source("*"), ["n", "left", "right"]))
    rows = pl.concat([batch.rows for batch in batches]).drop("row").rows()
    expected = [(str(n), left or None, right or None) for n, (left, right) in enumerate(pairs)]
    assert rows == expected and not any(len(batch.bad) for batch in batches)


def test_reviews_with_line_breaks_are_read(workshop: Workshop) -> None:
    head = "user,item,time,weight,text\n"
    rows = [f'u{n},i{n},{START + n},1,"Good.\r\n\r\n""Yes"", I, would\nbuy"\n' for n in range(9)]
    stray = f'v,j,{START},1,"never closed\nw,k,{START},1,fine\n'
    workshop.set(prepare__max_quarantine_share=0.2)
    workshop.deliver("a.csv", (head + "".join(rows) + stray).encode())
    counts = workshop.prepare()
    assert counts["events"] == 10 and counts["quarantined"] == {"malformed line": 1}
    assert workshop.quarantine()["row"].to_list() == [9 * 4 + 1], "rows are physical lines"
