"""Text is cut into blocks of whole lines of any size, and lines that are no text are set apart."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs import text_blocks
from slmrec.preprocessing.logs.text_blocks import Block, malformed, read_lines, readable_lines
from tests.support.logs import START, Workshop, as_csv, as_zst

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]


def blocks_of(path: Path, has_header: bool = True) -> list[tuple[bytes, int]]:
    return [(block.data, block.first) for block in read_lines(path, has_header, "utf-8")]


@pytest.mark.parametrize("block_bytes", [5, 7, 1000])
def test_a_block_ends_with_a_line_and_knows_the_number_of_its_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
    path = tmp_path / "a.txt"
    path.write_bytes(b"ab\ncd\nef\ngh")
    header, *blocks = blocks_of(path)
    assert header == (b"ab\n", 0)
    assert b"".join(data for data, _ in blocks) == b"cd\nef\ngh"
    assert all(data.endswith((b"\n", b"gh")) for data, _ in blocks)
    # lines are counted from 1 after the header: before cd is none, before ef one, before gh two
    numbers = {b"cd": 1, b"ef": 2, b"gh": 3}
    assert all(first == numbers[data[:2]] for data, first in blocks)


def test_without_a_header_the_first_line_has_number_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ab\ncd\n")
    assert blocks_of(path, has_header=False) == [(b"ab\ncd\n", 1)]


def test_a_line_longer_than_a_block_is_cut_to_one_and_its_tail_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 4)
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\n" + b"x" * 11 + b"\nb\n")
    blocks = blocks_of(path, has_header=False)
    assert [first for _, first in blocks] == [1, 2, 3], "one block for each line"
    assert blocks[0][0] == b"a\n" and blocks[2][0] == b"b\n"
    # at most what was left of the block before, and one more
    assert set(blocks[1][0]) == {ord("x")} and len(blocks[1][0]) <= 2 * 4


def test_a_block_counts_its_lines_whether_the_last_one_ends_or_not() -> None:
    assert Block(b"a\nb\n", 1).lines == 2
    assert Block(b"a\nb", 1).lines == 2


def test_nul_bytes_and_overlong_lines_are_not_for_the_fast_parsers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_blocks, "MAX_LINE_BYTES", 4)
    assert Block(b"abc\nabc\n", 1).looks_regular
    assert not Block(b"abc\na\0c\n", 1).looks_regular
    assert not Block(b"abcdefgh\n", 1).looks_regular


def test_lines_that_are_no_text_are_told_with_their_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_blocks, "MAX_LINE_BYTES", 10)
    block = Block(b"good\r\n\n\xff\xfe\nnu\0l\n" + b"x" * 11 + b"\nlast", 7)
    lines, bad = readable_lines(block)
    assert lines.rows() == [(7, "good"), (12, "last")], "the blank line is neither"
    assert bad.rows() == [
        (9, "not UTF-8", "\ufffd\ufffd"),
        (10, "NUL byte", "nu\ufffdl"),
        (11, "line too long", "x" * 11),
    ]


def test_the_text_of_a_malformed_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_blocks, "SHOWN_CHARACTERS", 3)
    lines = pl.DataFrame({"row": [4], "line": ["abcdef"]})
    assert malformed(lines).rows() == [(4, "malformed line", "abc")]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_compression_is_known_by_the_name(tmp_path: Path, suffix: str) -> None:
    plain = b"h\na\nb\n"
    content = {"": plain, ".gz": gzip.compress(plain), ".zst": as_zst(plain)}[suffix]
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(content)
    assert blocks_of(path) == [(b"h\n", 0), (b"a\nb\n", 1)]


def test_a_damaged_stream_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(as_csv(GOOD))[:-20])
    with pytest.raises(DataError, match="cannot be read to its end"):
        blocks_of(path)


def test_windows_line_ends_blank_lines_and_a_byte_order_mark_are_no_fault(
    workshop: Workshop,
) -> None:
    workshop.deliver(
        "all.csv", b"\xef\xbb\xbf" + as_csv(GOOD).replace(b"\n", b"\r\n") + b"\r\n\r\n"
    )
    counts = workshop.prepare()
    assert (counts["events"], counts["quarantined"]) == (200, {})


def test_a_line_longer_than_a_block_is_one_bad_row(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 4096)
    _, _, second_half = as_csv(GOOD[100:]).partition(b"\n")
    long_line = b"ann," + b"x" * 300_000 + b",1700000000,1\n"
    workshop.deliver("all.csv", as_csv(GOOD[:100]) + long_line + second_half)
    counts = workshop.prepare()
    assert counts["events"] == 200 and sum(counts["quarantined"].values()) == 1
    assert workshop.quarantine()["row"].to_list() == [101]


def test_blocks_smaller_than_the_file_give_the_same_events(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 512)
    workshop.deliver("all.csv", as_csv(GOOD) + b"bad,line\n")
    assert workshop.prepare()["events"] == 200
    assert workshop.quarantine()["row"].to_list() == [201]
