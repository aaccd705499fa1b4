"""Text logs as blocks of whole lines, and the lines in them that are no records.

A record is a line: a stray quote can spoil its own line, never the ones after it. A block that
looks clean by a few counts of bytes goes to the fast parser as it is; any other is taken line by
line, so what a bad line costs is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl
import pyarrow as pa

from slmrec.core.errors import DataError

BLOCK = 32 << 20  # bytes read at once
MAX_LINE = 64 << 10  # bytes; a longer line is no record
TEXT_SHOWN = 200  # characters of a bad line that the quarantine keeps
BOM = b"\xef\xbb\xbf"
BAD_LINES = pl.Schema({"row": pl.UInt32, "reason": pl.String, "text": pl.String})


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; `first` is the number of the first one, counted from 1 after the header."""

    data: bytes
    first: int


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: `rows` with the column row, and the lines that gave none, as BAD_LINES."""

    rows: pl.DataFrame
    bad: pl.DataFrame


def open_text(file: Path) -> IO[bytes]:
    """Open a plain, .gz or .zst file as a stream of bytes."""
    compression = {".gz": "gzip", ".zst": "zstd"}.get(file.suffix)
    if compression is None:
        return file.open("rb")
    return pa.input_stream(str(file), compression=compression)


def read_lines(file: Path, has_header: bool) -> Iterator[Block]:
    """The header as a block of its own (`first` is 0) where there is one, then blocks of whole lines.

    A line that does not fit a block is cut to one, which the line-wise parser sets aside. Raises
    DataError when the compressed stream is damaged: how much is lost cannot be known.
    """
    try:
        with open_text(file) as stream:
            yield from _cut(stream, has_header)
    except (OSError, EOFError) as error:
        raise DataError(f"{file} cannot be read to its end ({error}); deliver it again") from error


def _cut(stream: IO[bytes], has_header: bool) -> Iterator[Block]:
    rest, first, skipping = b"", 0 if has_header else 1, False
    while piece := stream.read(BLOCK):
        if skipping:  # the tail of a line that was too long for a block
            piece, skipping = piece[piece.find(b"\n") + 1 :], b"\n" not in piece
            if skipping:
                continue
        data = rest + piece
        end = data.rfind(b"\n") + 1
        if not end and len(data) < BLOCK:
            rest = data
            continue
        skipping, end = (True, len(data)) if not end else (False, end)
        whole, rest = data[:end], data[end:]
        for block in _apart(whole, first):
            yield block
            first = block.first + block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if rest:
        yield from _apart(rest, first)


def _apart(data: bytes, first: int) -> Iterator[Block]:
    if first == 0:
        end = data.find(b"\n") + 1 or len(data)
        yield Block(data[:end].removeprefix(BOM), 0)
        data, first = data[end:], 1
    if data:
        yield Block(data, first)


def numbered(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """Rows with their line numbers, counted on from `first`."""
    return rows.with_row_index("row", offset=first)


def readable_lines(block: Block) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that are text, as (row, line), and those that are not, as BAD_LINES. Blank lines are neither."""
    raw = block.data.split(b"\n")
    columns = {
        "raw": pl.Series(raw, dtype=pl.Binary),
        "line": pl.Series([_decoded(line) for line in raw], dtype=pl.String),
    }
    lines = pl.DataFrame(columns).with_row_index("row", offset=block.first)
    lines = lines.with_columns(pl.col("line").str.strip_suffix("\r")).filter(
        pl.col("line").is_null() | (pl.col("line") != "")
    )
    reason = (
        pl.when(pl.col("line").is_null())
        .then(pl.lit("not UTF-8"))
        .when(pl.col("raw").bin.contains(b"\0"))
        .then(pl.lit("NUL byte"))
        .when(pl.col("line").str.len_bytes() > MAX_LINE)
        .then(pl.lit("line too long"))
    )
    lines = lines.with_columns(reason=reason)
    bad = lines.filter(pl.col("reason").is_not_null())
    texts = [
        line[: 2 * TEXT_SHOWN].decode(errors="replace").replace("\0", "\ufffd")[:TEXT_SHOWN]
        for line in bad["raw"]
    ]
    shown = bad.select("row", "reason").with_columns(text=pl.Series(texts, dtype=pl.String))
    return lines.filter(pl.col("reason").is_null()).select("row", "line"), shown


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def shown_text() -> pl.Expr:
    """As much of a line as the quarantine keeps."""
    return pl.col("line").str.slice(0, TEXT_SHOWN)
