"""The three tables are written block by block and counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.preprocessing.splitting.splitters import TargetsAndWindows
from slmrec.preprocessing.splitting.user_blocks import UserBlock
from slmrec.preprocessing.splitting.writer import HistoryTables


def block(users: list[int], offsets: list[int], items: list[int]) -> UserBlock:
    return UserBlock(
        users=np.array(users, dtype=np.uint32),
        offsets=np.array(offsets, dtype=np.int64),
        items=np.array(items, dtype=np.uint32),
        times=np.arange(len(items), dtype=np.int64),
    )


def cut(
    targets: list[tuple[str, int, int, int]], windows: list[tuple[int, int, int]], without: int
) -> TargetsAndWindows:
    numbers = {"position": pl.UInt32, "input_stop": pl.UInt32}
    return TargetsAndWindows(
        pl.DataFrame(targets, {"part": pl.String, "row": pl.Int64, **numbers}, orient="row"),
        pl.DataFrame(
            windows, {"row": pl.Int64, "start": pl.UInt32, "stop": pl.UInt32}, orient="row"
        ),
        without,
        seen={"valid": 0, "test": without},
    )


def test_rows_of_a_block_become_user_indices_and_windows_are_numbered_on(tmp_path: Path) -> None:
    with HistoryTables(tmp_path) as history_tables:
        history_tables.add(
            block([4, 9], [0, 3, 5], [2, 3, 4, 5, 6]),
            cut([("valid", 0, 2, 1), ("test", 1, 1, 1)], [(0, 0, 2), (1, 0, 1)], without=2),
        )
        history_tables.add(
            block([11], [0, 2], [7, 8]), cut([("test", 0, 1, 1)], [(0, 0, 2)], without=1)
        )
    histories = tables.read_table(tmp_path / "histories.parquet", tables.HISTORIES)
    assert histories["user_index"].to_list() == [4, 9, 11]
    assert histories["items"].to_list() == [[2, 3, 4], [5, 6], [7, 8]]
    assert histories["times"].list.len().to_list() == [3, 2, 2]
    targets = tables.read_table(tmp_path / "targets.parquet", tables.TARGETS)
    assert targets.rows() == [("valid", 4, 2, 1), ("test", 9, 1, 1), ("test", 11, 1, 1)]
    windows = tables.read_table(tmp_path / "windows.parquet", tables.WINDOWS)
    assert windows.rows() == [(0, 4, 0, 2), (1, 9, 0, 1), (2, 11, 0, 2)]
    assert history_tables.counts() == {
        "valid_targets": 1,
        "test_targets": 2,
        "seen_valid_targets": 0,
        "seen_test_targets": 2 + 1,
        "users": 3,
        "events": 7,
        "windows": 3,
        "targets_without_history": 2 + 1,
    }
