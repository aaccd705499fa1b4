"""Raw logs: which files they are, and their rows as text before anything is believed about them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from slmrec.errors import DataError
from slmrec.params import EventSource, ItemSource

ROW = "row"  # number of a row in its file, counted from 1 after the header


def find_files(root: Path, patterns: list[str]) -> list[Path]:
    """Files below `root` that match any glob, in name order. Raises DataError when there is none or one is empty."""
    files = sorted({file for pattern in patterns for file in root.glob(pattern) if file.is_file()})
    if not files:
        raise DataError(f"no file below {root} matches {', '.join(patterns)}; run slmrec fetch-demo, or name your files in params.yaml")
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise DataError(f"{empty[0]} is empty; remove it or deliver it again")
    return files


def scan_rows(file: Path, source: EventSource | ItemSource, columns: list[str]) -> pl.LazyFrame:
    """The named columns of one file as they stand, text files as strings, with the row number.

    Raises DataError when a column is missing, saying which columns there are.
    """
    rows = _scan(file, source)
    found = rows.collect_schema().names()
    missing = [column for column in columns if column not in found]
    if missing:
        raise DataError(f"{file} has no column {', '.join(missing)}; it has {', '.join(found)}; name the columns in params.yaml")
    return rows.select(columns).with_row_index(ROW, offset=1)


def _scan(file: Path, source: EventSource | ItemSource) -> pl.LazyFrame:
    if source.format == "parquet":
        return pl.scan_parquet(file, hive_partitioning=False)
    if source.format == "jsonl":
        return pl.scan_ndjson(file)
    separator, quote = ("\t", None) if source.format == "tsv" else (",", '"')
    return pl.scan_csv(file, separator=separator, quote_char=quote, infer_schema=False)
