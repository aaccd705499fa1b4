"""Events by user, in blocks of users, so that no more than a few blocks are in memory.

The events pass through files of a scratch folder: each event file is divided among the blocks, then
each block is read from all of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.preprocessing.events.event_files import EventFiles
from slmrec.preprocessing.events.ordered_map import map_in_order

# A block of users is closed before it holds more events than this, unless one user does, or more
# users: numbers of 16 bits sort several times as fast as longer ones.
BLOCK_EVENTS = 2_000_000
BLOCK_USERS = 1 << 16


@dataclass(frozen=True)
class UserBlock:
    """Events of some users laid end to end, each user's in total order; E events, U users."""

    users: np.ndarray  # (U,) uint32 user_index, rising
    offsets: np.ndarray  # (U + 1,) int64
    items: np.ndarray  # (E,) uint32
    times: np.ndarray  # (E,) int64 microseconds


def scatter(files: EventFiles, scratch_dir: Path) -> list[Path]:
    """Divide the events among blocks of users.

    Returns the blocks' folders below `scratch_dir`, in order of user_index.
    """
    bounds = _bounds(_events_per_user(files))
    folders = [scratch_dir / f"{block:05d}" for block in range(len(bounds) - 1)]
    for folder in folders:
        folder.mkdir(parents=True)

    def divide(path: Path) -> None:
        events = _read(path, ["user_index", "item_index", "time"])
        _divide(events, bounds, folders, f"{path.parent.name}-{path.stem}.arrow")

    for _ in map_in_order(divide, files.paths):
        pass
    return folders


def read_block(folder: Path) -> UserBlock:
    """A block of users that `scatter` left in its folder."""
    events = pl.concat([pl.read_ipc(path) for path in sorted(folder.iterdir())], rechunk=True)
    users = events["user_index"].to_numpy()
    first = users.min()
    counts = np.bincount(users - first)
    order = np.argsort((users - first).astype(np.uint16), kind="stable")
    present = np.flatnonzero(counts)
    return UserBlock(
        users=(present + first).astype(np.uint32),
        offsets=np.append(0, np.cumsum(counts[present])),
        items=events["item_index"].to_numpy()[order],
        times=events["time"].dt.epoch("us").to_numpy()[order],
    )


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    return pl.read_parquet(path, columns=columns, hive_partitioning=False)


def _events_per_user(files: EventFiles) -> np.ndarray:
    """Events of each user, by user_index."""
    total = np.zeros(0, dtype=np.int64)
    for counts in map_in_order(_count, files.paths):
        size = max(len(total), len(counts))
        total = np.pad(total, (0, size - len(total))) + np.pad(counts, (0, size - len(counts)))
    return total


def _count(path: Path) -> np.ndarray:
    return np.bincount(_read(path, ["user_index"])["user_index"].to_numpy())


def _bounds(counts: np.ndarray) -> list[int]:
    """The first user of each block, and the number after the last user."""
    bounds = [0]
    ends = np.cumsum(counts)
    while bounds[-1] < len(counts):
        before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
        fits = int(np.searchsorted(ends, before + BLOCK_EVENTS, side="right"))
        bounds.append(min(max(fits, bounds[-1] + 1), bounds[-1] + BLOCK_USERS))
    return bounds


def _divide(events: pl.DataFrame, bounds: list[int], folders: list[Path], name: str) -> None:
    """Write each block's events, in the order they have, to a file of this name in its folder."""
    # A filter for each block costs less than one sort by user, as long as blocks are large.
    for (first, after), folder in zip(itertools.pairwise(bounds), folders, strict=True):
        block = events.filter(pl.col("user_index").is_between(first, after, closed="left"))
        block.write_ipc(folder / name, compression="uncompressed")
