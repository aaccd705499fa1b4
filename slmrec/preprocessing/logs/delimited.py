"""Delimited text (csv, tsv) as rows, lines that are no records apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.text_blocks import (
    BAD_LINES,
    MAX_LINE,
    Batch,
    Block,
    numbered,
    readable_lines,
    shown_text,
)


@dataclass(frozen=True)
class Delimited:
    """How fields of a line are told apart. `quote` is None where the format knows no quoting."""

    separator: str
    quote: str | None


def parse_header(line: bytes, form: Delimited, file: Path) -> list[str]:
    """Column names of a header line. Raises DataError when it is no text or names a column twice."""
    try:
        names = next(csv.reader([line.decode().rstrip("\r\n")], **_dialect(form)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{file} has no readable header line ({error}); is it {form.separator!r}-separated text?"
        ) from error
    if len(set(names)) != len(names):
        raise DataError(f"{file} names a column twice in its header: {', '.join(names)}")
    return names


def parse_delimited(block: Block, names: list[str], wanted: list[str], form: Delimited) -> Batch:
    """Fields of a block as strings, the wanted columns only."""
    lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    separators = block.data.count(form.separator.encode())
    plain = form.quote is None or form.quote.encode() not in block.data
    if (
        plain
        and separators == lines * (len(names) - 1)
        and b"\0" not in block.data
        and len(block.data) <= lines * MAX_LINE
    ):
        rows = _read_csv(block.data, names, wanted, form)
        if rows is not None and len(rows) == lines:
            return Batch(numbered(rows, block.first), pl.DataFrame(schema=BAD_LINES))
    return _delimited_by_line(block, names, wanted, form)


def _read_csv(
    data: bytes, names: list[str], wanted: list[str], form: Delimited
) -> pl.DataFrame | None:
    schema = dict.fromkeys(names, pl.String)
    try:
        rows = pl.scan_csv(
            data, separator=form.separator, quote_char=None, has_header=False, schema=schema
        )
        return rows.select(wanted).collect()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None  # too many fields or bad UTF-8 somewhere: which line it is, the line-wise parser finds


def _delimited_by_line(block: Block, names: list[str], wanted: list[str], form: Delimited) -> Batch:
    lines, bad = readable_lines(block)
    quoted = (
        pl.lit(False)
        if form.quote is None
        else pl.col("line").str.contains(form.quote, literal=True)
    )
    fits = pl.col("line").str.count_matches(form.separator, literal=True) == len(names) - 1
    simple = lines.filter(~quoted & fits)
    parsed = (
        _read_csv("\n".join(simple["line"]).encode(), names, wanted, form) if len(simple) else None
    )
    frames = [] if parsed is None else [parsed.insert_column(0, simple["row"])]
    odd = lines.filter(quoted | ~fits)
    fields = [_fields(line, form) for line in odd["line"]]
    good = [len(found) == len(names) for found in fields]
    frames.append(
        _from_fields(
            odd.filter(pl.Series(good, dtype=pl.Boolean)),
            [f for f in fields if len(f) == len(names)],
            names,
            wanted,
        )
    )
    malformed = odd.filter(~pl.Series(good, dtype=pl.Boolean)).select(
        "row", reason=pl.lit("malformed line"), text=shown_text()
    )
    return Batch(pl.concat(frames).sort("row"), pl.concat([bad, malformed]))


def _dialect(form: Delimited) -> dict[str, Any]:
    if form.quote is None:
        return {"delimiter": form.separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": form.separator, "quotechar": form.quote, "strict": True}


def _fields(line: str, form: Delimited) -> list[str]:
    try:
        return next(csv.reader([line], **_dialect(form)), [])
    except csv.Error:
        return []  # an open quote or text after a closing one: no number of columns fits


def _from_fields(
    lines: pl.DataFrame, fields: list[list[str]], names: list[str], wanted: list[str]
) -> pl.DataFrame:
    columns = {
        name: pl.Series([row[names.index(name)] or None for row in fields], dtype=pl.String)
        for name in wanted
    }
    return pl.DataFrame({"row": lines["row"], **columns})
