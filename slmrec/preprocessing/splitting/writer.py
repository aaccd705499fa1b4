"""Writes histories, targets and windows block by block, so that none is in memory as a whole."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from slmrec.core import tables
from slmrec.preprocessing.splitting.splitters import TargetsAndWindows
from slmrec.preprocessing.splitting.user_blocks import UserBlock


class HistoryTables:
    """The three tables of `split` in a folder, and what was counted while they were written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._targets = dict.fromkeys(tables.PARTS, 0)
        self._seen_targets = dict.fromkeys(tables.PARTS, 0)
        self._users = self._events = self._windows = self._without_history = 0

    def __enter__(self) -> HistoryTables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, block: UserBlock, cut: TargetsAndWindows) -> None:
        """Write one block; blocks come in order of user_index."""
        self._write("histories", _histories(block))
        targets = _with_users(cut.targets, block)
        self._write("targets", targets.select(tables.TARGETS.names()).to_arrow())
        windows = cut.windows.with_row_index("window", offset=self._windows)
        windows = _with_users(windows, block)
        self._write("windows", windows.select(tables.WINDOWS.names()).to_arrow())
        for part, count in targets["part"].value_counts().iter_rows():
            self._targets[part] += count
        self._users += len(block.users)
        self._events += len(block.items)
        self._windows += len(windows)
        self._without_history += cut.without_history
        for part, count in cut.seen.items():
            self._seen_targets[part] += count

    def _write(self, name: str, table: pa.Table) -> None:
        if name not in self._writers:
            path = self._folder / f"{name}.parquet"
            self._writers[name] = pq.ParquetWriter(
                path, table.schema, compression="zstd", use_dictionary=["part"]
            )
        self._writers[name].write_table(table)

    def counts(self) -> dict[str, int]:
        """The counts of the summary, by name.

        Targets of each part, those that stand in their own input, users, events, windows, and
        targets left out because no earlier event predicts them.
        """
        return {
            **{f"{part}_targets": count for part, count in self._targets.items()},
            **{f"seen_{part}_targets": count for part, count in self._seen_targets.items()},
            "users": self._users,
            "events": self._events,
            "windows": self._windows,
            "targets_without_history": self._without_history,
        }


def _with_users(table: pl.DataFrame, block: UserBlock) -> pl.DataFrame:
    """The table with the user_index of each row's user."""
    return table.with_columns(user_index=pl.Series(block.users).gather(table["row"]))


def _histories(block: UserBlock) -> pa.Table:
    users = _as_arrow(block.users, pa.uint32())
    offsets = _as_arrow(block.offsets, pa.int64())
    items = _as_arrow(block.items, pa.uint32())
    times = _as_arrow(block.times, pa.timestamp("us", tz="UTC"))
    lists = [pa.LargeListArray.from_arrays(offsets, values) for values in (items, times)]
    return pa.table([users, *lists], names=tables.HISTORIES.names())


def _as_arrow(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """The same memory as an Arrow array."""
    # pa.array() would import pandas, which takes longer than small logs do.
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
