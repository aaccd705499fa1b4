"""Text logs as blocks of whole lines, and the lines in them that are no records.

A record is a line: a stray quote can spoil its own line, never the ones after it. A block that looks clean by a few
counts of bytes goes to the fast parser as it is; any other is taken line by line, so what a bad line costs is bounded.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa

from slmrec.errors import DataError

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


@dataclass(frozen=True)
class Delimited:
    """How fields of a line are told apart. `quote` is None where the format knows no quoting."""

    separator: str
    quote: str | None


def open_text(file: Path) -> IO[bytes]:
    """Open a plain, .gz or .zst file as a stream of bytes."""
    compression = {".gz": "gzip", ".zst": "zstd"}.get(file.suffix)
    if compression is None:
        return file.open("rb")
    return pa.input_stream(str(file), compression=compression)


def read_lines(file: Path, has_header: bool) -> Iterator[Block]:
    """The header as a block of its own (`first` is 0) where there is one, then blocks of whole lines.

    A line that does not fit a block is cut to one, which the line-wise parser sets aside. Raises DataError when the
    compressed stream is damaged: how much is lost cannot be known.
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


def parse_header(line: bytes, form: Delimited, file: Path) -> list[str]:
    """Column names of a header line. Raises DataError when it is no text or names a column twice."""
    try:
        names = next(csv.reader([line.decode().rstrip("\r\n")], **_dialect(form)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} has no readable header line ({error}); is it {form.separator!r}-separated text?") from error
    if len(set(names)) != len(names):
        raise DataError(f"{file} names a column twice in its header: {', '.join(names)}")
    return names


def parse_delimited(block: Block, names: list[str], wanted: list[str], form: Delimited) -> Batch:
    """Fields of a block as strings, the wanted columns only."""
    lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    separators = block.data.count(form.separator.encode())
    plain = form.quote is None or form.quote.encode() not in block.data
    if plain and separators == lines * (len(names) - 1) and b"\0" not in block.data and len(block.data) <= lines * MAX_LINE:
        rows = _read_csv(block.data, names, wanted, form)
        if rows is not None and len(rows) == lines:
            return Batch(_number(rows, block.first), pl.DataFrame(schema=BAD_LINES))
    return _delimited_by_line(block, names, wanted, form)


def _read_csv(data: bytes, names: list[str], wanted: list[str], form: Delimited) -> pl.DataFrame | None:
    schema = dict.fromkeys(names, pl.String)
    try:
        rows = pl.scan_csv(data, separator=form.separator, quote_char=None, has_header=False, schema=schema)
        return rows.select(wanted).collect()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None  # too many fields or bad UTF-8 somewhere: which line it is, the line-wise parser finds


def _number(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    return rows.with_row_index("row", offset=first)


def _delimited_by_line(block: Block, names: list[str], wanted: list[str], form: Delimited) -> Batch:
    lines, bad = _readable(block)
    quoted = pl.lit(False) if form.quote is None else pl.col("line").str.contains(form.quote, literal=True)
    fits = pl.col("line").str.count_matches(form.separator, literal=True) == len(names) - 1
    simple = lines.filter(~quoted & fits)
    parsed = _read_csv("\n".join(simple["line"]).encode(), names, wanted, form) if len(simple) else None
    frames = [] if parsed is None else [parsed.insert_column(0, simple["row"])]
    odd = lines.filter(quoted | ~fits)
    fields = [_fields(line, form) for line in odd["line"]]
    good = [len(found) == len(names) for found in fields]
    frames.append(_from_fields(odd.filter(pl.Series(good, dtype=pl.Boolean)), [f for f in fields if len(f) == len(names)], names, wanted))
    malformed = odd.filter(~pl.Series(good, dtype=pl.Boolean)).select("row", reason=pl.lit("malformed line"), text=_shown())
    return Batch(pl.concat(frames).sort("row"), pl.concat([bad, malformed]))


def _readable(block: Block) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that are text, as (row, line), and those that are not, as BAD_LINES. Blank lines are neither."""
    raw = block.data.split(b"\n")
    columns = {"raw": pl.Series(raw, dtype=pl.Binary), "line": pl.Series([_decoded(line) for line in raw], dtype=pl.String)}
    lines = pl.DataFrame(columns).with_row_index("row", offset=block.first)
    lines = lines.with_columns(pl.col("line").str.strip_suffix("\r")).filter(pl.col("line").is_null() | (pl.col("line") != ""))
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
    texts = [line[: 2 * TEXT_SHOWN].decode(errors="replace").replace("\0", "\ufffd")[:TEXT_SHOWN] for line in bad["raw"]]
    shown = bad.select("row", "reason").with_columns(text=pl.Series(texts, dtype=pl.String))
    return lines.filter(pl.col("reason").is_null()).select("row", "line"), shown


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _shown() -> pl.Expr:
    return pl.col("line").str.slice(0, TEXT_SHOWN)


def _dialect(form: Delimited) -> dict[str, Any]:
    if form.quote is None:
        return {"delimiter": form.separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": form.separator, "quotechar": form.quote, "strict": True}


def _fields(line: str, form: Delimited) -> list[str]:
    try:
        return next(csv.reader([line], **_dialect(form)), [])
    except csv.Error:
        return []  # an open quote or text after a closing one: no number of columns fits


def _from_fields(lines: pl.DataFrame, fields: list[list[str]], names: list[str], wanted: list[str]) -> pl.DataFrame:
    columns = {name: pl.Series([row[names.index(name)] or None for row in fields], dtype=pl.String) for name in wanted}
    return pl.DataFrame({"row": lines["row"], **columns})


def parse_json(block: Block, wanted: list[str]) -> Batch:
    """The wanted keys of a block of JSON lines, every value as text; a missing key is null."""
    lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if len(block.data) <= lines * MAX_LINE and b"\0" not in block.data:
        try:
            rows = pl.read_ndjson(block.data, schema=dict.fromkeys(wanted, pl.String))
        except pl.exceptions.ComputeError:
            return _json_by_line(block, wanted)
        if len(rows) == lines:
            return Batch(_number(rows, block.first), pl.DataFrame(schema=BAD_LINES))
    return _json_by_line(block, wanted)


def _json_by_line(block: Block, wanted: list[str]) -> Batch:
    lines, bad = _readable(block)
    records = [_record(line) for line in lines["line"]]
    good = pl.Series([record is not None for record in records], dtype=pl.Boolean)
    found = [record for record in records if record is not None]
    columns = {name: pl.Series([_text(record.get(name)) for record in found], dtype=pl.String) for name in wanted}
    malformed = lines.filter(~good).select("row", reason=pl.lit("malformed line"), text=_shown())
    return Batch(pl.DataFrame({"row": lines.filter(good)["row"], **columns}), pl.concat([bad, malformed]))


def _record(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def json_keys(block: Block) -> list[str]:
    """Keys of the first hundred records, to say what there is when a column is missing."""
    records = [_record(line.decode(errors="replace")) or {} for line in block.data.split(b"\n", 100)[:100]]
    return sorted({key for record in records for key in record})
