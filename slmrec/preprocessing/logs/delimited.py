"""Delimited text (csv, tsv) as rows, and the lines that are no records."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from slmrec.preprocessing.logs.quoted_records import join_quoted_lines
from slmrec.preprocessing.logs.text_blocks import (
    BAD_LINES,
    Block,
    RowBatch,
    malformed,
    readable_lines,
    regular_batch,
)

# What can stand in for a delimiter of several bytes: control characters but for tab and line ends.
STAND_INS = [bytes([code]) for code in (31, 30, 29, 28, *range(1, 9), *range(14, 28), 11, 12)]


@dataclass(frozen=True)
class Delimited:
    """How fields of a line are told apart. `quote` is None where the format knows no quoting."""

    separator: str  # one character or several
    quote: str | None

    @cached_property
    def is_byte(self) -> bool:
        """Whether the parsers take the separator as it is."""
        return len(self.separator.encode()) == 1


@dataclass(frozen=True)
class Parsed:
    """Rows of a block, and its last lines where they are the beginning of a record."""

    batch: RowBatch
    rest: bytes


def parse_delimited(
    block: Block, names: list[str], wanted: list[str], form: Delimited, is_last: bool = True
) -> Parsed:
    """Fields of a block as strings. `names` are the columns of the file, `wanted` some of them.

    Unless it `is_last`, its last record may go on in the next block.
    """
    if _looks_regular(block, names, form):
        rows = _read_csv(block.data, names, wanted, form)
        if rows is not None and len(rows) == block.lines:
            return Parsed(regular_batch(block, rows), b"")
    return _parse_by_line(block, names, wanted, form, is_last)


def _looks_regular(block: Block, names: list[str], form: Delimited) -> bool:
    """Whether counts of bytes allow that every line is a record without quotes."""
    if form.quote is not None and form.quote.encode() in block.data:
        return False
    separators = block.data.count(form.separator.encode())
    return separators == block.lines * (len(names) - 1) and block.looks_regular


def _read_csv(
    data: bytes, names: list[str], wanted: list[str], form: Delimited
) -> pl.DataFrame | None:
    """The wanted columns, or None where a line has too many fields or bad UTF-8."""
    separator = form.separator.encode()
    if not form.is_byte:
        stand_in = next((byte for byte in STAND_INS if byte not in data), None)
        if stand_in is None:
            return None
        data, separator = data.replace(separator, stand_in), stand_in
    schema = dict.fromkeys(names, pl.String)
    try:
        rows = pl.scan_csv(
            data, separator=separator.decode(), quote_char=None, has_header=False, schema=schema
        )
        return rows.select(wanted).collect()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None


def _parse_by_line(
    block: Block, names: list[str], wanted: list[str], form: Delimited, is_last: bool
) -> Parsed:
    lines, bad = readable_lines(block)
    open_row = None
    if form.quote is not None and form.quote.encode() in block.data:
        joined = join_quoted_lines(
            lines, bad["row"], form.quote, lambda text: len(split_line(text, form)) == len(names)
        )
        lines, open_row = joined.lines, None if is_last else joined.open_row
    separators = pl.col("line").str.count_matches(form.separator, literal=True)
    simple = separators == len(names) - 1
    if form.quote is not None:
        simple &= ~pl.col("line").str.contains(form.quote, literal=True)
    simple_rows = _parse_simple(lines.filter(simple), names, wanted, form)
    other_rows, not_records = _parse_others(lines.filter(~simple), names, wanted, form)
    rows = pl.concat([*simple_rows, other_rows]).sort("row")
    return _up_to(open_row, block, RowBatch(rows, pl.concat([bad, not_records])))


def _up_to(open_row: int | None, block: Block, batch: RowBatch) -> Parsed:
    """What comes before the record that goes on in the next block, and that record's lines."""
    if open_row is None:
        return Parsed(batch, b"")
    earlier = pl.col("row") < open_row
    start = len(block.data) - block.data.endswith(b"\n")
    for _ in range(block.first + block.lines - open_row):
        start = block.data.rfind(b"\n", 0, start)
    rows, bad = batch.rows.filter(earlier), batch.bad.filter(earlier)
    return Parsed(RowBatch(rows, bad), block.data[start + 1 :])


def _parse_simple(
    lines: pl.DataFrame, names: list[str], wanted: list[str], form: Delimited
) -> list[pl.DataFrame]:
    """Rows of lines without quotes that have the right number of fields; nothing for no lines."""
    if not len(lines):
        return []
    rows = _read_csv("\n".join(lines["line"]).encode(), names, wanted, form)
    if rows is None:
        return [_parse_others(lines, names, wanted, form)[0]]
    return [rows.insert_column(0, lines["row"])]


def _parse_others(
    lines: pl.DataFrame, names: list[str], wanted: list[str], form: Delimited
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of lines with quotes, and the lines that are no records, as BAD_LINES."""
    if not len(lines):
        schema = {"row": BAD_LINES["row"], **dict.fromkeys(wanted, pl.String())}
        return pl.DataFrame(schema=schema), malformed(lines)
    fields = _fields_at_once(lines["line"], form)
    if fields is None:
        fields = [_fields(line, form, len(names)) for line in lines["line"]]
    complete = pl.Series([len(values) == len(names) for values in fields], dtype=pl.Boolean)
    records = [values for values in fields if len(values) == len(names)]
    places = {name: names.index(name) for name in wanted}
    columns = {
        name: pl.Series([values[place] or None for values in records], dtype=pl.String)
        for name, place in places.items()
    }
    rows = pl.DataFrame({"row": lines.filter(complete)["row"], **columns})
    return rows, malformed(lines.filter(~complete))


def _fields_at_once(lines: pl.Series, form: Delimited) -> list[list[str]] | None:
    """The fields of each line by one reader, None where an open quote lets a line run on."""
    if form.quote is None or not form.is_byte:
        return None
    reader = csv.reader(lines, delimiter=form.separator, quotechar=form.quote, strict=True)
    fields: list[list[str]] = []
    while len(fields) < len(lines):
        try:
            fields.append(next(reader))
        except csv.Error:
            fields.append([])
        except StopIteration:
            return None
    return fields


def _fields(line: str, form: Delimited, count: int) -> list[str]:
    """The fields of a line.

    Logs with a delimiter of several characters seldom quote: a quote may be a character there.
    """
    fields = split_line(line, form)
    plain = len(fields) == count or form.is_byte
    return fields if plain else line.split(form.separator)


def split_line(line: str, form: Delimited) -> list[str]:
    """The fields of a line, none where quotes are open or closed in the middle of a field."""
    if form.quote is None or form.quote not in line:
        return line.split(form.separator)
    if form.is_byte:
        return _split_quoted(line, form.separator, form.quote)
    stand_in = next((byte.decode() for byte in STAND_INS if byte.decode() not in line), None)
    if stand_in is None:
        return line.split(form.separator)
    fields = _split_quoted(line.replace(form.separator, stand_in), stand_in, form.quote)
    return [value.replace(stand_in, form.separator) for value in fields]


def _split_quoted(line: str, separator: str, quote: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, quotechar=quote, strict=True), [])
    except csv.Error:
        return []  # an open quote or text after a closing one: no number of columns fits
