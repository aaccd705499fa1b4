"""Events are brought together by user, in blocks of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.preprocessing.events.event_files import find_event_files
from slmrec.preprocessing.splitting import user_blocks
from slmrec.preprocessing.splitting.user_blocks import UserBlock, read_block, scatter
from tests.support.logs import DAY, START, Workshop, as_csv

Rows = list[tuple[int, int, int]]  # user_index, item_index, time


def blocks_of(events_dir: Path, files: dict[str, Rows]) -> list[UserBlock]:
    for name, rows in files.items():
        path = events_dir / "events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pl.DataFrame(rows, schema=["user_index", "item_index", "time"], orient="row")
        table = table.with_columns(weight=1.0).select(tables.EVENTS.names())
        table.cast(tables.EVENTS).write_parquet(path)
    folders = scatter(find_event_files(events_dir), events_dir / "scratch")
    return [read_block(folder) for folder in folders]


FILES: dict[str, Rows] = {
    "month=2023-11/from-01.parquet": [(0, 5, 1), (2, 6, 2), (0, 7, 2), (3, 9, 3)],
    "month=2023-12/from-01.parquet": [(2, 5, 4), (0, 5, 5), (3, 8, 6)],
}


def test_a_user_has_its_events_of_all_files_in_order(tmp_path: Path) -> None:
    (block,) = blocks_of(tmp_path, FILES)
    assert block.users.tolist() == [0, 2, 3], "user 1 has no event"
    assert block.offsets.tolist() == [0, 3, 5, 7]
    assert block.items.tolist() == [5, 7, 5, 6, 5, 9, 8]
    assert block.times.tolist() == [1, 2, 5, 2, 4, 3, 6]
    assert block.users.dtype == np.uint32 and block.times.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "value", "users"),
    [
        ("BLOCK_EVENTS", 5, [[0, 2], [3]]),  # 3 + 2 events fit, with 2 more they do not
        ("BLOCK_EVENTS", 2, [[0], [2], [3]]),  # user 0 has 3, more than a block may hold
        ("BLOCK_USERS", 2, [[0], [2, 3]]),  # users 0 and 1, users 2 and 3
    ],
)
def test_a_block_is_closed_before_it_holds_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int, users: list[list[int]]
) -> None:
    monkeypatch.setattr(user_blocks, name, value)
    assert [block.users.tolist() for block in blocks_of(tmp_path, FILES)] == users


def test_small_blocks_of_users_give_the_same_tables(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        (f"user {number}", f"item {number} {place}", START + place * DAY, 1.0)
        for number in range(40)
        for place in range(number % 5 * 9 + 1)
    ]
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()
    workshop.split()
    names = ("histories", "targets", "windows")
    tables_before = [pl.read_parquet(f"histories/{name}.parquet") for name in names]
    monkeypatch.setattr(user_blocks, "BLOCK_EVENTS", 50)
    workshop.split()
    for name, table in zip(names, tables_before, strict=True):
        assert pl.read_parquet(f"histories/{name}.parquet").equals(table), name
