"""Parsed pieces of raw files, kept in the cache under the hash of what they were made from.

A group is some small files that follow each other by name, or one large one; its chunks are batches
of its rows. A chunk's events lie in an Arrow file as they are in memory, by time, so that some days
are a slice which is read without its neighbours. Ids are codes into the chunk's own tables, so a
chunk never changes, whatever other files say.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from slmrec.core.files import read_json, write_json
from slmrec.core.fingerprint import made_by
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.deliveries import Group
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.events.parse import parse
from slmrec.preprocessing.events.timestamps import DAY_US
from slmrec.preprocessing.logs.log_files import BATCH_ROWS, columns_read, read_batches
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, Batch

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

CONSTANT = {
    "sequence": pl.lit(0, pl.Int64),
    "weight": pl.lit(1.0, pl.Float32),
}  # where the logs name no such column


@dataclass(frozen=True)
class Chunk:
    """A parsed piece: where it lies and what it holds."""

    path: Path
    rows: int  # read, good or bad
    days: np.ndarray  # (D,) int64 days since 1970 UTC that have an event, rising
    events_of_days: np.ndarray  # (D,) int64
    files: tuple[
        str, ...
    ]  # names of the group's files, which the numbers in the column file stand for

    @property
    def name(self) -> str:
        """The chunk's name below the cache, the same for the same content."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def group(self) -> str:
        """The name of the chunk's group."""
        return self.path.parent.name

    def holds(self, first: int, last: int) -> bool:
        """Whether any event lies in these days."""
        start, stop = np.searchsorted(self.days, [first, last + 1])
        return bool(start < stop)

    def events(self, first: int, last: int) -> pl.DataFrame:
        """Events of the days `first` to `last`, by time, as EVENT_COLUMNS."""
        start, stop = np.searchsorted(self.days, [first, last + 1])
        before, here = self.events_of_days[:start].sum(), self.events_of_days[start:stop].sum()
        events = pl.scan_ipc(self.path).slice(int(before), int(here)).collect()
        return events.with_columns(
            **{name: value for name, value in CONSTANT.items() if name not in events.columns}
        )

    def scan_ids(self, kind: str) -> pl.LazyFrame:
        """The ids behind the codes in order of code; kind is users or items.  # id, first_us"""
        return scan_ids(self.path, kind)

    def bad(self) -> pl.DataFrame:
        """Rows that gave no event, as BAD_LINES and the column file."""
        path = self.path.with_suffix(".bad")
        return (
            pl.read_parquet(path)
            if path.is_file()
            else pl.DataFrame(schema={**BAD_LINES, "file": pl.UInt16})
        )

    def origins(self) -> pl.DataFrame:
        """Where each of the chunk's events stood.  # file, row"""
        return pl.scan_ipc(self.path).select("file", "row").collect()


def scan_ids(path: Path, kind: str) -> pl.LazyFrame:
    """The ids behind the codes of the chunk in a file, in order of code; kind is users or items.  # id, first_us"""
    lists = pl.scan_parquet(path.with_suffix(".ids")).select(
        id=f"{kind}_id", first_us=f"{kind}_first_us"
    )
    return lists.explode(cs.all(), empty_as_null=False)


def parse_key(p: PrepareParams) -> str:
    """Digest of everything in code and params that a chunk depends on."""
    asked = [
        p.events.model_dump(exclude={"files"}),
        p.keep_types,
        p.min_weight,
        p.earliest,
        p.latest,
    ]
    text = json.dumps([made_by("core", "preprocessing/logs", "preprocessing/events"), asked])
    return hashlib.sha256(text.encode()).hexdigest()


Entry = dict[str, Any]  # of a listing: a chunk's file, rows, and pairs of a day and its events
LISTING = "chunks.json"  # written last: a folder that has it is whole


def chunks_of(groups: list[Group], p: PrepareParams, folder: Path) -> Iterator[list[Chunk]]:
    """Each group's chunks. What the cache `folder` does not hold is read and written, some batches at once."""
    key = parse_key(p)
    homes = [_home(group, key, folder) for group in groups]
    _write_missing(
        {
            home: group
            for home, group in zip(homes, groups, strict=True)
            if not (home / LISTING).is_file()
        },
        p,
    )
    for home, group in zip(homes, groups, strict=True):
        names = tuple(one.file.name for one in group)
        yield [_chunk(home, entry, names) for entry in read_json(home / LISTING)]


def _chunk(home: Path, entry: Entry, files: tuple[str, ...]) -> Chunk:
    days, events = np.array(entry["days"], dtype=np.int64).reshape(-1, 2).T
    return Chunk(home / entry["file"], entry["rows"], days, events, files)


def _home(group: Group, key: str, folder: Path) -> Path:
    about = [(one.digest, one.file.format, sorted(one.file.folders.items())) for one in group]
    return folder / hashlib.sha256(json.dumps([key, about]).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Job:
    """A batch that becomes a chunk of the group whose folder is `home`."""

    home: Path
    number: int
    batch: Batch


def _write_missing(missing: dict[Path, Group], p: PrepareParams) -> None:
    for home in missing:
        home.mkdir(parents=True, exist_ok=True)
    jobs = (
        Job(home, number, batch)
        for home, group in missing.items()
        for number, batch in enumerate(_batches(group, p))
    )
    written = map_in_order(
        lambda job: (job.home, _write(job.batch, p, job.home / f"{job.number:05d}.arrow")), jobs
    )
    for _ in map_in_order(
        lambda listing: write_json(*listing), _listings(written, set(missing))
    ):  # a disk is waited for beside the work
        pass


def _listings(
    written: Iterator[tuple[Path, Entry]], homes: set[Path]
) -> Iterator[tuple[Path, list[Entry]]]:
    """Each group's listing as soon as its last chunk is written."""
    for home, entries in itertools.groupby(written, key=itemgetter(0)):
        yield home / LISTING, [entry for _, entry in entries]
        homes.remove(home)
    for home in homes:  # a group without a row has no chunk
        yield home / LISTING, []


def _batches(group: Group, p: PrepareParams) -> Iterator[Batch]:
    """Batches of all files, with the column file; small ones of the same types are joined."""
    waiting: list[tuple[int, Batch]] = []
    for number, one in enumerate(group):
        for batch in read_batches(one.file, p.events, columns_read(p.events.columns)):
            fits = not waiting or batch.rows.schema == waiting[0][1].rows.schema
            if waiting and (
                not fits
                or sum(len(held.rows) for _, held in waiting) + len(batch.rows) > BATCH_ROWS
            ):
                yield _join(waiting)
                waiting = []
            waiting.append((number, batch))
    if waiting:
        yield _join(waiting)


def _join(batches: list[tuple[int, Batch]]) -> Batch:
    numbers = np.array([number for number, _ in batches], dtype=np.uint16)
    tables = ([batch.rows for _, batch in batches], [batch.bad for _, batch in batches])
    return Batch(
        *(
            pl.concat(parts).with_columns(
                file=pl.Series(np.repeat(numbers, [len(part) for part in parts]))
            )
            for parts in tables
        )
    )


def _write(batch: Batch, p: PrepareParams, path: Path) -> Entry:
    parsed = parse(batch, p)
    constant = [name for name in CONSTANT if getattr(p.events.columns, name) is None]
    events = parsed.events.cast(EVENT_COLUMNS).drop(constant)
    events.write_ipc(path, compression="uncompressed")
    sides = (("users", parsed.users), ("items", parsed.items))
    ids = {
        f"{kind}_{column}": table[column].implode()
        for kind, table in sides
        for column in ("id", "first_us")
    }
    pl.DataFrame(ids).write_parquet(path.with_suffix(".ids"), compression="lz4")
    if len(parsed.bad):
        parsed.bad.write_parquet(path.with_suffix(".bad"))
    rows = len(batch.rows) + len(batch.bad)
    days, counts = np.unique(events["us"].to_numpy() // DAY_US, return_counts=True)
    return {
        "file": path.name,
        "rows": rows,
        "days": list(zip(days.tolist(), counts.tolist(), strict=True)),
    }
