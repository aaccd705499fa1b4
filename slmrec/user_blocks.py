"""Events by user, some users at a time, so that no more than one block of users is in memory."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.errors import DataError

BLOCK_EVENTS = 8_000_000  # a block of users is closed before it holds more, unless one user does


@dataclass(frozen=True)
class EventFiles:
    """The months that prepare wrote, in order of time, and their numbers of events."""

    paths: list[Path]
    events: list[int]

    @property
    def total(self) -> int:
        """Events of all months."""
        return sum(self.events)

    def time_at(self, place: int) -> int:
        """Time in microseconds of the event at a place in total order."""
        for path, events in zip(self.paths, self.events, strict=True):
            if place < events:
                return int(pl.scan_parquet(path).select(pl.col("time").dt.epoch("us")).slice(place, 1).collect().item())
            place -= events
        raise IndexError(place)


@dataclass(frozen=True)
class UserBlock:
    """Events of some users laid end to end, each user's in total order; E events, U users."""

    users: np.ndarray  # (U,) uint32 user_index, rising
    offsets: np.ndarray  # (U + 1,) int64
    items: np.ndarray  # (E,) uint32
    times: np.ndarray  # (E,) int64 microseconds


def find_event_files(events: Path) -> EventFiles:
    """The months below `events`. Raises DataError when there is no event."""
    paths = sorted((events / "events").glob("month=*/*.parquet"))
    counts = [pl.scan_parquet(path).select(pl.len()).collect().item() for path in paths]
    if not sum(counts):
        raise DataError(f"{events} holds no event; loosen the rules of prepare in params.yaml")
    return EventFiles(paths, counts)


def user_blocks(files: EventFiles, scratch: Path) -> Iterator[UserBlock]:
    """Blocks in order of user_index. With more than one, events pass through files below `scratch`."""
    counts = _events_per_user(files)
    bounds = _bounds(counts)
    if len(bounds) == 2:
        yield _block(pl.concat([_read(path) for path in files.paths]))
        return
    for number, path in enumerate(files.paths):
        _scatter(_read(path), bounds, scratch, number)
    for block in range(len(bounds) - 1):
        folder = scratch / f"{block:05d}"
        yield _block(pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]))
        shutil.rmtree(folder)
    scratch.rmdir()


def _read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, columns=["user_index", "item_index", "time"], hive_partitioning=False)


def _events_per_user(files: EventFiles) -> np.ndarray:
    counts = np.zeros(0, dtype=np.int64)
    for path in files.paths:
        more = np.bincount(pl.read_parquet(path, columns=["user_index"], hive_partitioning=False)["user_index"].to_numpy())
        size = max(len(counts), len(more))
        counts = np.pad(counts, (0, size - len(counts))) + np.pad(more, (0, size - len(more)))
    return counts


def _bounds(counts: np.ndarray) -> list[int]:
    """The first user of each block, and the number after the last user."""
    bounds = [0]
    ends = np.cumsum(counts)
    while bounds[-1] < len(counts):
        before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
        fits = int(np.searchsorted(ends, before + BLOCK_EVENTS, side="right"))
        bounds.append(max(fits, bounds[-1] + 1))
    return bounds


def _order_by_user(users: np.ndarray) -> np.ndarray:
    """A stable order by user: one sort of single words, the row in the low half.  # (E,) uint32"""
    words = users.astype(np.uint64) << np.uint64(32)
    words |= np.arange(len(users), dtype=np.uint64)
    words.sort()
    return words.astype(np.uint32)


def _scatter(events: pl.DataFrame, bounds: list[int], scratch: Path, number: int) -> None:
    # A filter for each block costs less than one sort by user, as long as blocks are large.
    for block, (first, after) in enumerate(itertools.pairwise(bounds)):
        path = scratch / f"{block:05d}" / f"{number:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = events.filter(pl.col("user_index").is_between(first, after, closed="left"))
        mine.write_parquet(path, compression="uncompressed", statistics=False)


def _block(events: pl.DataFrame) -> UserBlock:
    users = events["user_index"].to_numpy()
    order = _order_by_user(users)
    users = users[order]
    starts = np.flatnonzero(np.append(True, users[1:] != users[:-1]))
    return UserBlock(
        users=users[starts],
        offsets=np.append(starts, len(users)),
        items=events["item_index"].to_numpy()[order],
        times=events["time"].dt.epoch("us").to_numpy()[order],
    )
