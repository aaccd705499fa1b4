"""A chunk: the parsed rows of some raw files on disk, which never change.

Its events lie in an Arrow file as they are in memory, by time, so that some days are a slice which
is read without its neighbours. Ids are codes into the chunk's own tables, so a chunk stays as it
is, whatever other files say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from slmrec.core.checksum import check_files, file_checksum
from slmrec.core.tables import DAY_US
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.faults import BAD_ROWS
from slmrec.preprocessing.events.parse import Parsed, parse
from slmrec.preprocessing.logs.text_blocks import RowBatch

EVENT_COLUMNS = pl.Schema(
    {
        "user": pl.UInt32,
        "item": pl.UInt32,
        "us": pl.Int64,
        "sequence": pl.Int64,
        "weight": pl.Float32,
        "file": pl.UInt16,
        "row": pl.UInt32,
    }
)
# Columns that are not stored where the logs have none.
CONSTANT = {"sequence": pl.lit(0, pl.Int64), "weight": pl.lit(1.0, pl.Float32)}
SUFFIXES = (".arrow", ".ids", ".bad")  # of a chunk's files: events, ids, rows that are no events
# Of a listing: a chunk's file, its rows, pairs of a file's number and its rows, and pairs of a day
# and its events.
Entry = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """Where a chunk lies and what it holds; D days."""

    path: Path
    rows: int  # read, good or bad
    days: np.ndarray  # (D,) int64 days since 1970 UTC that have an event, rising
    events_of_days: np.ndarray  # (D,) int64
    files: tuple[str, ...]  # names of the group's files, by their numbers in the column file
    rows_of_files: dict[int, int]  # rows of each file that has any, by the file's number
    checksums: dict[str, str] = field(default_factory=dict)  # of its files, by name
    checked: set[Path] = field(default_factory=set, compare=False)  # those that are whole

    @property
    def name(self) -> str:
        """The chunk's name below the cache, the same for the same content."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def group(self) -> str:
        """The name of the chunk's group."""
        return self.path.parent.name

    def holds(self, first: int, last: int) -> bool:
        """Whether any event lies in the days `first` to `last`."""
        start, stop = np.searchsorted(self.days, [first, last + 1])
        return bool(start < stop)

    def events(self, first: int, last: int) -> pl.DataFrame:
        """Events of the days `first` to `last`, by time, as EVENT_COLUMNS."""
        start, stop = np.searchsorted(self.days, [first, last + 1])
        self._check(self.path)
        offset, length = self.events_of_days[:start].sum(), self.events_of_days[start:stop].sum()
        events = pl.scan_ipc(self.path).slice(int(offset), int(length)).collect()
        absent = {name: value for name, value in CONSTANT.items() if name not in events.columns}
        return events.with_columns(**absent)

    def scan_ids(self, kind: str) -> pl.LazyFrame:
        """The ids of users or items (`kind`) in order of their codes: id, first_us."""
        self._check(self.path.with_suffix(".ids"))
        return scan_ids(self.path, kind)

    def bad(self) -> pl.DataFrame:
        """Rows that gave no event, as BAD_ROWS and the column file."""
        path = self.path.with_suffix(".bad")
        if path.is_file() or path.name in self.checksums:
            self._check(path)
            return pl.read_parquet(path)
        return pl.DataFrame(schema={**BAD_ROWS, "file": pl.UInt16})

    def origins(self) -> pl.DataFrame:
        """The place of each event in the raw files: file, row."""
        self._check(self.path)
        return pl.scan_ipc(self.path).select("file", "row").collect()

    def _check(self, path: Path) -> None:
        """Raise DamagedError when a file is not what was written; it is read once for that."""
        if path.name in self.checksums and path not in self.checked:
            check_files(path.parent, {path.name: self.checksums[path.name]})
            self.checked.add(path)


def scan_ids(path: Path, kind: str) -> pl.LazyFrame:
    """The ids of the chunk at `path` in order of their codes; kind is users or items."""
    lists = pl.scan_parquet(path.with_suffix(".ids"))
    columns = lists.select(id=f"{kind}_id", first_us=f"{kind}_first_us")
    return columns.explode(cs.all(), empty_as_null=False)


def read_chunk(folder: Path, entry: Entry, files: tuple[str, ...]) -> Chunk:
    """The chunk of an entry of the listing in `folder`."""
    days, events = np.array(entry["days"], dtype=np.int64).reshape(-1, 2).T
    rows_of_files = dict(entry["rows_of_files"])
    path, checksums = folder / entry["file"], entry["checksums"]
    return Chunk(path, entry["rows"], days, events, files, rows_of_files, checksums)


def write_chunk(batch: RowBatch, p: PrepareParams, path: Path) -> Entry:
    """Parse a batch and write it as a chunk at `path`; returns its entry for the listing."""
    parsed = parse(batch, p)
    events = _write_events(parsed.events, _constant(p), path)
    _write_ids(parsed, path.with_suffix(".ids"))
    if len(parsed.bad):
        parsed.bad.write_parquet(path.with_suffix(".bad"))
    days, counts = np.unique(events["us"].to_numpy() // DAY_US, return_counts=True)
    written = [file for suffix in SUFFIXES if (file := path.with_suffix(suffix)).is_file()]
    return {
        "file": path.name,
        "checksums": {file.name: file_checksum(file) for file in written},
        "rows": len(batch.rows) + len(batch.bad),
        "rows_of_files": _rows_of_files(batch),
        "days": list(zip(days.tolist(), counts.tolist(), strict=True)),
    }


def _rows_of_files(batch: RowBatch) -> list[tuple[int, int]]:
    """The number of each file that has rows in a batch, and how many."""
    counts = [np.bincount(rows["file"].to_numpy()) for rows in (batch.rows, batch.bad)]
    total = np.zeros(max(map(len, counts)), dtype=np.int64)
    for files in counts:
        total[: len(files)] += files
    return [(int(file), int(total[file])) for file in np.flatnonzero(total)]


def _constant(p: PrepareParams) -> list[str]:
    """Columns that are the same for every event."""
    columns = p.events.columns
    ordered = bool(columns.sequences) or p.events.lists == "explode"
    return [
        *([] if ordered else ["sequence"]),
        *([] if columns.weight is not None else ["weight"]),
    ]


def _write_events(events: pl.DataFrame, constant: list[str], path: Path) -> pl.DataFrame:
    stored = events.cast(EVENT_COLUMNS).drop(constant)
    stored.write_ipc(path, compression="uncompressed")
    return stored


def _write_ids(parsed: Parsed, path: Path) -> None:
    sides = (("users", parsed.users), ("items", parsed.items))
    ids = {
        f"{kind}_{column}": table[column].implode()
        for kind, table in sides
        for column in ("id", "first_us")
    }
    pl.DataFrame(ids).write_parquet(path, compression="lz4")
