"""Chunks of raw files, kept in the cache under the hash of what they were made from.

A group is some small files that follow each other by name, or one large one; its chunks are batches
of its rows.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.checksum import DamagedError, read_checked_json, write_checked_json
from slmrec.core.fingerprint import made_by
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.chunk import Chunk, Entry, read_chunk, write_chunk
from slmrec.preprocessing.events.deliveries import Group
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.logs.log_files import BATCH_ROWS, event_columns, read_batches
from slmrec.preprocessing.logs.text_blocks import RowBatch

LIST_ROWS = 50_000  # rows of a batch whose rows are lists, each of up to hundreds of items
LISTING = "chunks.json"  # written last: a folder that has it is complete


@dataclass(frozen=True)
class Job:
    """A batch that becomes a chunk in the folder of its group."""

    folder: Path
    number: int
    batch: RowBatch


def chunks_of(groups: list[Group], p: PrepareParams, cache_dir: Path) -> Iterator[list[Chunk]]:
    """Each group's chunks, in order; what `cache_dir` does not hold is parsed and written first."""
    key = parse_key(p)
    folders = [_folder_of(group, key, cache_dir) for group in groups]
    missing = {
        folder: group
        for folder, group in zip(folders, groups, strict=True)
        if not _is_complete(folder)
    }
    _write_missing(missing, p)
    for folder, group in zip(folders, groups, strict=True):
        names = tuple(delivered.file.name for delivered in group)
        yield [read_chunk(folder, entry, names) for entry in read_checked_json(folder / LISTING)]


def _is_complete(folder: Path) -> bool:
    if not (folder / LISTING).is_file():
        return False
    try:
        read_checked_json(folder / LISTING)
    except DamagedError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return False
    return True


def start_over_where_damaged(work: Callable[[], None]) -> None:
    """Do `work`, again without each group of which a chunk turns out to be damaged."""
    while True:
        try:
            return work()
        except DamagedError as error:
            print(f"prepare: {error}", file=sys.stderr)
            shutil.rmtree(error.path.parent)


def parse_key(p: PrepareParams) -> str:
    """Digest of everything in code and params that a chunk depends on."""
    settings = [
        p.events.model_dump(exclude={"files"}),
        p.keep_types,
        p.min_weight,
        p.earliest,
        p.latest,
    ]
    code = made_by("core", "preprocessing/logs", "preprocessing/events")
    return hashlib.sha256(json.dumps([code, settings]).encode()).hexdigest()


def _folder_of(group: Group, key: str, cache_dir: Path) -> Path:
    content = [
        (delivered.digest, delivered.file.format, sorted(delivered.file.folders.items()))
        for delivered in group
    ]
    return cache_dir / hashlib.sha256(json.dumps([key, content]).encode()).hexdigest()[:32]


def _write_missing(missing: dict[Path, Group], p: PrepareParams) -> None:
    for folder in missing:
        folder.mkdir(parents=True, exist_ok=True)
    jobs = (
        Job(folder, number, batch)
        for folder, group in missing.items()
        for number, batch in enumerate(_cut(_batches(group, p), p))
    )
    written = map_in_order(lambda job: (job.folder, _write(job, p)), jobs)
    listings = _listings(written, set(missing))
    # On threads too, so that parsing goes on while the disk syncs a listing.
    for _ in map_in_order(lambda listing: write_checked_json(*listing), listings):
        pass


def _write(job: Job, p: PrepareParams) -> Entry:
    return write_chunk(job.batch, p, job.folder / f"{job.number:05d}.arrow")


def _listings(
    written: Iterator[tuple[Path, Entry]], folders: set[Path]
) -> Iterator[tuple[Path, list[Entry]]]:
    """Each group's listing as soon as its last chunk is written."""
    for folder, entries in itertools.groupby(written, key=itemgetter(0)):
        yield folder / LISTING, [entry for _, entry in entries]
        folders.remove(folder)
    for folder in folders:  # a group without a row has no chunk
        yield folder / LISTING, []


def _batches(group: Group, p: PrepareParams) -> Iterator[RowBatch]:
    """Batches of all files, with the column file; small ones of the same types are joined."""
    waiting: list[tuple[int, RowBatch]] = []
    rows = 0
    for number, delivered in enumerate(group):
        for batch in read_batches(delivered.file, p.events, event_columns(p.events.columns)):
            same_types = not waiting or batch.rows.schema == waiting[0][1].rows.schema
            if waiting and (not same_types or rows + len(batch.rows) > BATCH_ROWS):
                yield _join(waiting)
                waiting, rows = [], 0
            waiting.append((number, batch))
            rows += len(batch.rows)
    if waiting:
        yield _join(waiting)


def _cut(batches: Iterator[RowBatch], p: PrepareParams) -> Iterator[RowBatch]:
    """The batches, but smaller ones where each row becomes several events."""
    if p.events.lists == "refuse":
        yield from batches
        return
    for batch in batches:
        yield RowBatch(batch.rows.head(LIST_ROWS), batch.bad)
        for start in range(LIST_ROWS, len(batch.rows), LIST_ROWS):
            yield RowBatch(batch.rows.slice(start, LIST_ROWS), batch.bad.clear())


def _join(batches: list[tuple[int, RowBatch]]) -> RowBatch:
    numbers = np.array([number for number, _ in batches], dtype=np.uint16)
    rows = _concat_with_file([batch.rows for _, batch in batches], numbers)
    return RowBatch(rows, _concat_with_file([batch.bad for _, batch in batches], numbers))


def _concat_with_file(tables: list[pl.DataFrame], numbers: np.ndarray) -> pl.DataFrame:
    file = np.repeat(numbers, [len(table) for table in tables])
    return pl.concat(tables).with_columns(file=pl.Series(file))


def forget_unused(cache_dir: Path, chunks: list[Chunk]) -> None:
    """Remove from `cache_dir` the groups that this run did not use."""
    used = {chunk.path.parent for chunk in chunks}
    for folder in cache_dir.iterdir():
        if folder not in used:
            shutil.rmtree(folder)
