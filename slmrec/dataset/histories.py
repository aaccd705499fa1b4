"""Histories as flat arrays with offsets: what every model trains on and is measured by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import read_json


@dataclass(frozen=True)
class Windows:
    """Training slices: window w reads `items[start:stop]` of one user; W windows."""

    window: np.ndarray  # (W,) uint32
    row: np.ndarray  # (W,) int64, row of the user in Histories
    start: np.ndarray  # (W,) int64, within the user's history
    stop: np.ndarray  # (W,) int64

    @property
    def positions(self) -> np.ndarray:
        """Training positions of each window: every item but the last has a next item.  # (W,)"""
        return self.stop - self.start - 1

    def at(self, places: np.ndarray) -> Windows:
        """The windows at these places (M,), in their order."""
        return Windows(self.window[places], self.row[places], self.start[places], self.stop[places])


@dataclass(frozen=True)
class Targets:
    """Things to predict: `items[position]` from `items[:input_stop]`; N targets of one part."""

    row: np.ndarray  # (N,) int64
    position: np.ndarray  # (N,) int64
    input_stop: np.ndarray  # (N,) int64

    def at(self, places: np.ndarray) -> Targets:
        """The targets at these places (M,), in their order."""
        return Targets(self.row[places], self.position[places], self.input_stop[places])


@dataclass(frozen=True)
class Protocol:
    """How the split says models are used and judged."""

    method: str  # temporal or leave_one_out
    max_length: int  # newest items that a model reads
    exclude_seen: bool  # items of the input are left out of its ranking


@dataclass(frozen=True)
class Histories:
    """All users' items in total order; U users, E events.

    User u's history is `items[offsets[u]:offsets[u + 1]]`.
    """

    protocol: Protocol
    users: np.ndarray  # (U,) uint32 user_index
    offsets: np.ndarray  # (U + 1,) int64
    items: np.ndarray  # (E,) int64 item_index
    times: np.ndarray  # (E,) int64, microseconds since 1970 UTC
    windows: Windows
    targets: dict[str, Targets]

    def history(self, row: int, start: int, stop: int) -> np.ndarray:
        """Items `start` to `stop` of the user in `row`."""
        first = self.offsets[row]
        return self.items[first + start : first + stop]

    def target_items(self, targets: Targets) -> np.ndarray:
        """The item that each of N targets asks for.  # (N,) int64"""
        return self.items[self.offsets[targets.row] + targets.position]

    def target_times(self, targets: Targets) -> np.ndarray:
        """When each of N targets happened, in microseconds since 1970 UTC.  # (N,) int64"""
        return self.times[self.offsets[targets.row] + targets.position]

    def training_items(self) -> np.ndarray:
        """Items of the training events, in order; where windows overlap, an event counts once."""
        return self.items[self.in_training()]

    def training_times(self) -> np.ndarray:
        """Times of `training_items`, in the same order."""
        return self.times[self.in_training()]

    def trained_items(self, items: int) -> np.ndarray:
        """Which item indices have a training event; PAD and UNK count as such.  # (items,) bool"""
        trained = np.zeros(items, dtype=bool)
        trained[: tables.FIRST_ITEM] = True
        trained[self.training_items()] = True
        return trained

    def in_training(self) -> np.ndarray:
        """Which events a training window holds.  # (E,) bool"""
        first = self.offsets[self.windows.row]
        begun = np.zeros(len(self.items) + 1, dtype=np.int32)  # windows that begin, less those over
        np.add.at(begun, first + self.windows.start, 1)
        np.add.at(begun, first + self.windows.stop, -1)
        return np.cumsum(begun[:-1]) > 0

    def window_bounds(self) -> Iterator[tuple[int, int, int]]:
        """(row, start, stop) of each window."""
        return zip(
            self.windows.row.tolist(),
            self.windows.start.tolist(),
            self.windows.stop.tolist(),
            strict=True,
        )


def read_histories(histories_dir: Path) -> Histories:
    """Read what `split` wrote. Raises DataError when a table names a user that has no history."""
    table = tables.read_table(histories_dir / "histories.parquet", tables.HISTORIES)
    summary = read_json(histories_dir / "summary.json")
    users = table["user_index"].to_numpy()
    return Histories(
        protocol=Protocol(**{field.name: summary[field.name] for field in fields(Protocol)}),
        users=users,
        offsets=_offsets(table["items"].list.len().to_numpy()),
        items=table["items"].explode(empty_as_null=False).to_numpy().astype(np.int64),
        times=table["times"].explode(empty_as_null=False).dt.epoch("us").to_numpy(),
        windows=_read_windows(histories_dir / "windows.parquet", users),
        targets=_read_targets(histories_dir / "targets.parquet", users),
    )


def _offsets(lengths: np.ndarray) -> np.ndarray:
    """Where each history starts, and where the last one ends.  # (U + 1,) int64"""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _read_windows(path: Path, users: np.ndarray) -> Windows:
    table = tables.read_table(path, tables.WINDOWS)
    return Windows(
        window=table["window"].to_numpy(),
        row=_rows(users, table, path.name),
        start=table["start"].to_numpy().astype(np.int64),
        stop=table["stop"].to_numpy().astype(np.int64),
    )


def _read_targets(path: Path, users: np.ndarray) -> dict[str, Targets]:
    table = tables.read_table(path, tables.TARGETS)
    by_part = {part: table.filter(pl.col("part") == part) for part in tables.PARTS}
    return {
        part: Targets(
            row=_rows(users, targets, path.name),
            position=targets["position"].to_numpy().astype(np.int64),
            input_stop=targets["input_stop"].to_numpy().astype(np.int64),
        )
        for part, targets in by_part.items()
    }


def _rows(users: np.ndarray, table: pl.DataFrame, name: str) -> np.ndarray:
    """Where the users of a table stand among all `users`, which ascend.  # (N,) int64"""
    asked = table["user_index"].to_numpy()
    rows = np.searchsorted(users, asked)
    if len(asked) and (rows.max(initial=0) >= len(users) or (users[rows] != asked).any()):
        raise DataError(
            f"{name} names users that histories.parquet does not hold; run dvc repro --force split"
        )
    return rows.astype(np.int64)
