"""Raw logs: which files they are, and their rows as they stand, before any of them is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventColumns, EventSource, ItemColumns, ItemSource
from slmrec.preprocessing.logs.column_names import check_columns
from slmrec.preprocessing.logs.streams import PACKED, is_hidden, only_member
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, RowBatch
from slmrec.preprocessing.logs.text_files import read_text

BATCH_ROWS = 1_000_000  # rows of a Parquet file in one batch, of which a few are held at once
SMALL_PARQUET_BYTES = 4 << 20  # such a file is read at once, which is quicker than in batches
FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class LogFile:
    """One raw file."""

    path: Path
    name: str  # below data/
    format: str
    folders: dict[str, str]  # columns that its folders give, as in `date=2026-11-23` (hive)


def find_files(data_dir: Path, source: EventSource | ItemSource) -> list[LogFile]:
    """Files below `data_dir` that match any glob, in order of name.

    Raises DataError when there is none, one is empty, or one is of an unknown format.
    """
    found: dict[Path, bool] = {}  # whether a file is hidden from every glob that matches it
    for pattern in source.files:
        names_hidden = is_hidden(PurePosixPath(pattern))
        for path in data_dir.glob(pattern):
            if path.is_file():
                hidden = is_hidden(path.relative_to(data_dir)) and not names_hidden
                found[path] = found.get(path, True) and hidden
    paths = sorted(path for path, hidden in found.items() if not hidden)
    if not paths:
        aside = f" (hidden files such as {min(found).name} are left aside)" if found else ""
        raise DataError(
            f"no file below {data_dir} matches {', '.join(source.files)}{aside}; "
            "run slmrec fetch-demo, or name your files in params.yaml"
        )
    empty = [path for path in paths if path.stat().st_size == 0]
    if empty:
        raise DataError(f"{empty[0]} is empty (0 bytes); deliver it again or remove it")
    return [_log_file(path, data_dir, source) for path in paths]


def _log_file(path: Path, data_dir: Path, source: EventSource | ItemSource) -> LogFile:
    inner = path.relative_to(data_dir)
    keys = [folder.partition("=") for folder in inner.parent.parts]
    folders = {key: value for key, equals, value in keys if equals}
    return LogFile(path, inner.as_posix(), _format(path, source), folders)


def _format(path: Path, source: EventSource | ItemSource) -> str:
    if source.format != "by_name":
        return source.format
    plain = path.with_suffix("") if path.suffix in PACKED else path
    if path.suffix == ".zip" and plain.suffix not in FORMATS:
        plain = Path(only_member(path))
    if plain.suffix not in FORMATS:
        raise DataError(
            f"{path} is of no format known by name ({', '.join(FORMATS)}); "
            "set prepare's format in params.yaml"
        )
    return FORMATS[plain.suffix]


def read_batches(
    file: LogFile, source: EventSource | ItemSource, wanted: list[str]
) -> Iterator[RowBatch]:
    """The wanted columns of one file, rows numbered from 1, in batches of bounded memory.

    Columns of text files are strings. Raises DataError when a column is missing, saying which
    there are.
    """
    inside = [name for name in wanted if name not in file.folders]
    if file.format == "parquet":
        batches = _parquet(file, inside)
    else:
        batches = read_text(file.path, file.format, source, inside)
    outside = [pl.lit(file.folders[name]).alias(name) for name in wanted if name in file.folders]
    for batch in batches:
        yield RowBatch(batch.rows.with_columns(outside), batch.bad) if outside else batch


def _parquet(file: LogFile, wanted: list[str]) -> Iterator[RowBatch]:
    no_lines = pl.DataFrame(schema=BAD_LINES)
    if file.path.suffix in PACKED:
        raise DataError(f"{file.path} is packed, and Parquet is read unpacked; unpack it")
    try:
        scan = pl.scan_parquet(file.path, hive_partitioning=False, glob=False)
        check_columns(file.path, wanted, scan.collect_schema().names())
        rows = scan.select(wanted).with_row_index("row", offset=1)
        for batch in _collect_batches(rows, file.path.stat().st_size):
            yield RowBatch(batch, no_lines)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise DataError(
            f"{file.path} is not readable Parquet ({_one_line(error)}); deliver it again"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _collect_batches(rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    if size < SMALL_PARQUET_BYTES:
        yield rows.collect()
        return
    yield from rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")


def event_columns(c: EventColumns) -> list[str]:
    """The columns of the logs that are read, each once."""
    return _each_once([c.user, c.item, c.time, *c.sequences, c.weight, c.type])


def item_columns(c: ItemColumns) -> list[str]:
    """The columns of the item files that are read, each once."""
    return _each_once([c.item, c.title, *c.others])


def _each_once(names: list[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
