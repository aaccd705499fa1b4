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


@dataclass(frozen=True)
class Targets:
    """Things to predict: `items[position]` from `items[:input_stop]`; N targets of one part."""

    row: np.ndarray  # (N,) int64
    position: np.ndarray  # (N,) int64
    input_stop: np.ndarray  # (N,) int64


@dataclass(frozen=True)
class Protocol:
    """How the split says models are used and judged."""

    method: str  # temporal or leave_one_out
    max_length: int  # newest items that a model reads
    exclude_seen: bool  # items of the input are left out of its ranking


@dataclass(frozen=True)
class Histories:
    """All users' items in total order. User u's history is `items[offsets[u]:offsets[u + 1]]`; E events, U users."""

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

    def training_items(self) -> np.ndarray:
        """Every training event once, windows in order; overlaps of neighbouring windows are counted once."""
        return self.items[self._training_events()]

    def training_times(self) -> np.ndarray:
        """Times of `training_items`, in the same order."""
        return self.times[self._training_events()]

    def _training_events(self) -> np.ndarray:
        seen = np.zeros(len(self.items), dtype=bool)
        for row, start, stop in self.window_bounds():
            seen[self.offsets[row] + start : self.offsets[row] + stop] = True
        return np.flatnonzero(seen)

    def window_bounds(self) -> Iterator[tuple[int, int, int]]:
        """(row, start, stop) of each window."""
        return zip(
            self.windows.row.tolist(),
            self.windows.start.tolist(),
            self.windows.stop.tolist(),
            strict=True,
        )


def read_histories(folder: Path) -> Histories:
    """Read what `split` wrote. Raises DataError when a table names a user that has no history."""
    table = tables.read_table(folder / "histories.parquet", tables.HISTORIES)
    users = table["user_index"].to_numpy()
    summary = read_json(folder / "summary.json")
    offsets = np.zeros(len(users) + 1, dtype=np.int64)
    np.cumsum(table["items"].list.len().to_numpy(), out=offsets[1:])
    windows = tables.read_table(folder / "windows.parquet", tables.WINDOWS)
    targets = tables.read_table(folder / "targets.parquet", tables.TARGETS)
    return Histories(
        protocol=Protocol(**{field.name: summary[field.name] for field in fields(Protocol)}),
        users=users,
        offsets=offsets,
        items=table["items"].explode(empty_as_null=False).to_numpy().astype(np.int64),
        times=table["times"].explode(empty_as_null=False).dt.epoch("us").to_numpy(),
        windows=Windows(
            window=windows["window"].to_numpy(),
            row=_rows(users, windows, "windows.parquet"),
            start=windows["start"].to_numpy().astype(np.int64),
            stop=windows["stop"].to_numpy().astype(np.int64),
        ),
        targets={
            part: _targets(users, targets.filter(pl.col("part") == part)) for part in tables.PARTS
        },
    )


def _targets(users: np.ndarray, table: pl.DataFrame) -> Targets:
    return Targets(
        row=_rows(users, table, "targets.parquet"),
        position=table["position"].to_numpy().astype(np.int64),
        input_stop=table["input_stop"].to_numpy().astype(np.int64),
    )


def _rows(users: np.ndarray, table: pl.DataFrame, name: str) -> np.ndarray:
    wanted = table["user_index"].to_numpy()
    rows = np.searchsorted(users, wanted)
    if len(wanted) and (rows.max(initial=0) >= len(users) or (users[rows] != wanted).any()):
        raise DataError(
            f"{name} names users that histories.parquet does not hold; run dvc repro --force split"
        )
    return rows.astype(np.int64)
