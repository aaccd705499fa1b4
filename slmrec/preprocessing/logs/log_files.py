"""Raw logs: which files they are, and their rows as they stand, before anything is believed about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventColumns, EventSource, ItemSource
from slmrec.preprocessing.logs.delimited import Delimited, parse_delimited, parse_header
from slmrec.preprocessing.logs.json_lines import json_keys, parse_json
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, Batch, read_lines

BATCH_ROWS = 1_000_000  # rows of a Parquet file in one batch, of which a few are held at once
SMALL_PARQUET = 4 << 20  # bytes; such a file is read at once, which is quicker than in batches
FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class LogFile:
    """One raw file: where it lies, its name below the root, its format and the values its folders give (hive)."""

    path: Path
    name: str
    format: str
    folders: dict[str, str]


def find_files(root: Path, source: EventSource | ItemSource) -> list[LogFile]:
    """Files below `root` that match any glob, in name order. Raises DataError when there is none or one is empty."""
    paths = sorted(
        {path for pattern in source.files for path in root.glob(pattern) if path.is_file()}
    )
    if not paths:
        wanted = ", ".join(source.files)
        raise DataError(
            f"no file below {root} matches {wanted}; run slmrec fetch-demo, or name your files in params.yaml"
        )
    empty = [path for path in paths if path.stat().st_size == 0]
    if empty:
        raise DataError(f"{empty[0]} is empty (0 bytes); deliver it again or remove it")
    return [
        LogFile(
            path, path.relative_to(root).as_posix(), _format(path, source), _folders(path, root)
        )
        for path in paths
    ]


def _format(path: Path, source: EventSource | ItemSource) -> str:
    if source.format != "by_name":
        return source.format
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if plain.suffix not in FORMATS:
        raise DataError(
            f"{path} is of no format known by name ({', '.join(FORMATS)}); set prepare's format in params.yaml"
        )
    return FORMATS[plain.suffix]


def _folders(path: Path, root: Path) -> dict[str, str]:
    parts = [part.partition("=") for part in path.relative_to(root).parent.parts]
    return {key: value for key, equals, value in parts if equals}


def read_batches(
    file: LogFile, source: EventSource | ItemSource, wanted: list[str]
) -> Iterator[Batch]:
    """The wanted columns of one file, text as strings, with row numbers counted from 1; bounded memory.

    Raises DataError when a column is missing, saying which there are.
    """
    inside = [name for name in wanted if name not in file.folders]
    batches = _parquet(file, inside) if file.format == "parquet" else _text(file, source, inside)
    outside = [pl.lit(file.folders[name]).alias(name) for name in wanted if name in file.folders]
    for batch in batches:
        yield Batch(batch.rows.with_columns(outside), batch.bad) if outside else batch


def _parquet(file: LogFile, wanted: list[str]) -> Iterator[Batch]:
    nothing = pl.DataFrame(schema=BAD_LINES)
    try:
        scan = pl.scan_parquet(file.path, hive_partitioning=False, glob=False)
        _check_columns(file, wanted, scan.collect_schema().names())
        rows = scan.select(wanted).with_row_index("row", offset=1)
        small = file.path.stat().st_size < SMALL_PARQUET
        for batch in (
            [rows.collect()]
            if small
            else rows.collect_batches(
                chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"
            )
        ):
            yield Batch(batch, nothing)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise DataError(
            f"{file.path} is not readable Parquet ({_one_line(error)}); deliver it again"
        ) from error


def _text(file: LogFile, source: EventSource | ItemSource, wanted: list[str]) -> Iterator[Batch]:
    if file.format == "jsonl":
        for number, block in enumerate(read_lines(file.path, has_header=False)):
            if number == 0:
                _check_columns(file, wanted, json_keys(block))
            yield parse_json(block, wanted)
        return
    form = (
        Delimited(source.delimiter or ",", '"')
        if file.format == "csv"
        else Delimited(source.delimiter or "\t", None)
    )
    blocks = read_lines(file.path, has_header=True)
    header = next(blocks, None)
    names = [] if header is None else parse_header(header.data, form, file.path)
    _check_columns(file, wanted, names)
    for block in blocks:
        yield parse_delimited(block, names, wanted, form)


def _check_columns(file: LogFile, wanted: list[str], found: list[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(
            f"{file.path} has no column {', '.join(missing)}; it has {', '.join(found)}; name the columns in params.yaml"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def columns_read(c: EventColumns) -> list[str]:
    """The columns of the logs that are read, each once."""
    return list(
        dict.fromkeys(
            name for name in (c.user, c.item, c.time, c.sequence, c.weight, c.type) if name
        )
    )
