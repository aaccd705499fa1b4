"""Text logs as blocks of whole lines, and the lines that are no records.

A record is a line, so a stray quote can spoil its own line but none after it. A block that looks
regular by a few counts of bytes goes to the fast parser as it is; any other is parsed line by
line, which bounds what a bad line costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.streams import DAMAGE, Utf8Pieces, open_stream

BLOCK_BYTES = 32 << 20  # read at once
MAX_LINE_BYTES = 64 << 10  # a longer line is no record
SHOWN_CHARACTERS = 200  # of a bad line, kept in the quarantine
BAD_LINES = pl.Schema({"row": pl.UInt32, "reason": pl.String, "text": pl.String})


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; `first` is the first one's number, from 1 after the header."""

    data: bytes  # UTF-8
    first: int
    encoding: str = "utf-8"  # of the file

    @cached_property
    def lines(self) -> int:
        """How many lines there are; the last one may lack its line end."""
        return self.data.count(b"\n") + (not self.data.endswith(b"\n"))

    @property
    def looks_regular(self) -> bool:
        """Whether no NUL byte and no overlong line forbids the fast parsers."""
        return len(self.data) <= self.lines * MAX_LINE_BYTES and b"\0" not in self.data


@dataclass(frozen=True)
class RowBatch:
    """Some rows of a file: `rows` with the column row, and the lines that gave none (BAD_LINES)."""

    rows: pl.DataFrame
    bad: pl.DataFrame


def read_lines(path: Path, has_header: bool, encoding: str) -> Iterator[Block]:
    """The header as a block of its own (`first` is 0) if there is one, then blocks of whole lines.

    A line longer than a block is cut to one block, which the line-wise parser sets aside. Raises
    DataError when the compressed stream is damaged: how much is lost cannot be known.
    """
    try:
        with open_stream(path) as stream:
            pieces = Utf8Pieces(stream, encoding, BLOCK_BYTES)
            yield from _numbered_blocks(pieces, has_header)
    except UnicodeError as error:
        raise DataError(f"{path} cannot be decoded as {encoding} ({error})") from error
    except DAMAGE as error:
        raise DataError(f"{path} cannot be read to its end ({error}); deliver it again") from error


def _numbered_blocks(pieces: Utf8Pieces, has_header: bool) -> Iterator[Block]:
    first = 0 if has_header else 1
    for data in _whole_lines(pieces):
        for block in _split_header(data, first, pieces.encoding):
            yield block
            first = block.first + block.lines


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest, skipping = b"", False
    for piece in pieces:
        if skipping:  # the tail of a line that was too long for a block
            piece, skipping = piece[piece.find(b"\n") + 1 :], b"\n" not in piece
            if skipping:
                continue
        data = rest + piece
        end = data.rfind(b"\n") + 1
        if not end and len(data) < BLOCK_BYTES:
            rest = data
            continue
        skipping, end = (False, end) if end else (True, len(data))
        rest = data[end:]
        yield data[:end]
    if rest:
        yield rest


def _split_header(data: bytes, first: int, encoding: str) -> Iterator[Block]:
    if first == 0:
        end = data.find(b"\n") + 1 or len(data)
        yield Block(data[:end], 0, encoding)
        data, first = data[end:], 1
    if data:
        yield Block(data, first, encoding)


def regular_batch(block: Block, rows: pl.DataFrame) -> RowBatch:
    """The batch of a block whose every line is a row: rows numbered by line, and no bad line."""
    return RowBatch(rows.with_row_index("row", offset=block.first), pl.DataFrame(schema=BAD_LINES))


def readable_lines(block: Block, longest: int | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that are text, as (row, line), and those that are not, as BAD_LINES.

    Blank lines are neither. `longest` is in bytes, MAX_LINE_BYTES if None.
    """
    reason = _why_unreadable(block.encoding, longest or MAX_LINE_BYTES)
    lines = _decoded_lines(block).with_columns(reason=reason)
    bad = lines.filter(pl.col("reason").is_not_null())
    texts = pl.Series([_shown_bytes(line) for line in bad["raw"]], dtype=pl.String)
    readable = lines.filter(pl.col("reason").is_null()).select("row", "line")
    return readable, bad.select("row", "reason").with_columns(text=texts)


def _decoded_lines(block: Block) -> pl.DataFrame:
    """Lines that are not blank: row, raw, and line, which is null where raw is no UTF-8."""
    raw = block.data.split(b"\n")
    columns = {
        "raw": pl.Series(raw, dtype=pl.Binary),
        "line": pl.Series([_decoded(line) for line in raw], dtype=pl.String),
    }
    lines = pl.DataFrame(columns).with_row_index("row", offset=block.first)
    lines = lines.with_columns(pl.col("line").str.strip_suffix("\r"))
    return lines.filter(pl.col("line").is_null() | (pl.col("line") != ""))


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _why_unreadable(encoding: str, longest: int) -> pl.Expr:
    undecoded = pl.when(pl.col("line").is_null()).then(pl.lit(undecoded_reason(encoding)))
    binary = undecoded.when(pl.col("raw").bin.contains(b"\0")).then(pl.lit("NUL byte"))
    too_long = pl.col("line").str.len_bytes() > longest
    return binary.when(too_long).then(pl.lit("line too long"))


def undecoded_reason(encoding: str) -> str:
    """What is wrong with a line that is not of its file's encoding."""
    return f"not {'UTF-8' if encoding == 'utf-8' else encoding}"


def _shown_bytes(line: bytes) -> str:
    text = line[: 2 * SHOWN_CHARACTERS].decode(errors="replace")
    return text.replace("\0", "\ufffd")[:SHOWN_CHARACTERS]


def malformed(lines: pl.DataFrame) -> pl.DataFrame:
    """Readable lines (row, line) that are no records, as BAD_LINES."""
    shown = pl.col("line").str.slice(0, SHOWN_CHARACTERS)
    return lines.select("row", reason=pl.lit("malformed line"), text=shown)
