"""Delimited text (csv, tsv) as rows, and the lines that are no records."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.text_blocks import (
    Block,
    RowBatch,
    malformed,
    readable_lines,
    regular_batch,
)


@dataclass(frozen=True)
class Delimited:
    """How fields of a line are told apart. `quote` is None where the format knows no quoting."""

    separator: str
    quote: str | None


def parse_header(line: bytes, form: Delimited, path: Path) -> list[str]:
    """Column names of a header line. Raises DataError when it is no text or repeats a column."""
    try:
        names = next(csv.reader([line.decode().rstrip("\r\n")], **_dialect(form)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} has no readable header line ({error}); "
            f"is it {form.separator!r}-separated text?"
        ) from error
    if len(set(names)) != len(names):
        raise DataError(f"{path} names a column twice in its header: {', '.join(names)}")
    return names


def parse_delimited(block: Block, names: list[str], wanted: list[str], form: Delimited) -> RowBatch:
    """Fields of a block as strings. `names` are the columns of the file, `wanted` some of them."""
    if _looks_regular(block, names, form):
        rows = _read_csv(block.data, names, wanted, form)
        if rows is not None and len(rows) == block.lines:
            return regular_batch(block, rows)
    return _parse_by_line(block, names, wanted, form)


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
    schema = dict.fromkeys(names, pl.String)
    try:
        rows = pl.scan_csv(
            data, separator=form.separator, quote_char=None, has_header=False, schema=schema
        )
        return rows.select(wanted).collect()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None


def _parse_by_line(block: Block, names: list[str], wanted: list[str], form: Delimited) -> RowBatch:
    lines, bad = readable_lines(block)
    separators = pl.col("line").str.count_matches(form.separator, literal=True)
    simple = separators == len(names) - 1
    if form.quote is not None:
        simple &= ~pl.col("line").str.contains(form.quote, literal=True)
    simple_rows = _parse_simple(lines.filter(simple), names, wanted, form)
    other_rows, not_records = _parse_others(lines.filter(~simple), names, wanted, form)
    rows = pl.concat([*simple_rows, other_rows]).sort("row")
    return RowBatch(rows, pl.concat([bad, not_records]))


def _parse_simple(
    lines: pl.DataFrame, names: list[str], wanted: list[str], form: Delimited
) -> list[pl.DataFrame]:
    """Rows of lines without quotes that have the right number of fields; nothing for no lines."""
    if not len(lines):
        return []
    rows = _read_csv("\n".join(lines["line"]).encode(), names, wanted, form)
    return [] if rows is None else [rows.insert_column(0, lines["row"])]


def _parse_others(
    lines: pl.DataFrame, names: list[str], wanted: list[str], form: Delimited
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of lines with quotes, and the lines that are no records, as BAD_LINES."""
    fields = [_fields(line, form) for line in lines["line"]]
    complete = pl.Series([len(values) == len(names) for values in fields], dtype=pl.Boolean)
    records = [values for values in fields if len(values) == len(names)]
    columns = {
        name: pl.Series([values[names.index(name)] or None for values in records], dtype=pl.String)
        for name in wanted
    }
    rows = pl.DataFrame({"row": lines.filter(complete)["row"], **columns})
    return rows, malformed(lines.filter(~complete))


def _fields(line: str, form: Delimited) -> list[str]:
    try:
        return next(csv.reader([line], **_dialect(form)), [])
    except csv.Error:
        return []  # an open quote or text after a closing one: no number of columns fits


def _dialect(form: Delimited) -> dict[str, Any]:
    if form.quote is None:
        return {"delimiter": form.separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": form.separator, "quotechar": form.quote, "strict": True}
