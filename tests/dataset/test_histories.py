"""Histories: slices of flat arrays, what of them is trained on, and how they are read from disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import write_json
from slmrec.dataset.histories import Histories, Protocol, Targets, Windows, read_histories
from tests.support.histories import histories_of

# The second user's events start at 4.
HISTORIES = histories_of([[2, 3, 4, 5], [6, 7, 8, 9, 10]], max_length=3)


def with_windows(bounds: list[tuple[int, int, int]]) -> Histories:
    """HISTORIES with windows of these rows, starts and stops."""
    row, start, stop = (np.array(column) for column in zip(*bounds, strict=True))
    return replace(HISTORIES, windows=Windows(np.arange(len(row)), row, start, stop))


def test_a_slice_of_a_history_is_counted_from_its_users_first_event() -> None:
    assert HISTORIES.history(0, 1, 3).tolist() == [3, 4]
    assert HISTORIES.history(1, 1, 3).tolist() == [7, 8]


def test_target_items_are_those_at_the_targets_positions() -> None:
    targets = Targets(np.array([1, 0, 1]), np.array([0, 3, 4]), np.array([0, 3, 4]))
    assert HISTORIES.target_items(targets).tolist() == [6, 5, 10]
    assert HISTORIES.target_items(HISTORIES.targets["test"]).tolist() == [5, 10]


def test_an_event_that_two_windows_share_is_trained_on_once_and_one_outside_never() -> None:
    histories = with_windows([(0, 0, 3), (1, 0, 3), (1, 1, 4)])
    assert histories.training_items().tolist() == [2, 3, 4, 6, 7, 8, 9]
    assert histories.training_times().tolist() == [0, 1, 2, 4, 5, 6, 7]


def test_trained_items_are_those_of_training_events_and_pad_and_unk() -> None:
    trained = with_windows([(0, 0, 2), (1, 3, 5)]).trained_items(12)
    assert np.flatnonzero(trained).tolist() == [0, 1, 2, 3, 9, 10]


def test_every_item_of_a_window_but_the_last_is_a_training_position() -> None:
    assert with_windows([(0, 0, 3), (1, 1, 5)]).windows.positions.tolist() == [3 - 1, 4 - 1]


def write_tables(folder: Path, target_user: int) -> None:
    """Two users, 7 and 9, as `split` writes them; the only target is of `target_user`."""
    times = [[1_000_000, 2_000_000], [3_000_000, 4_000_000, 5_000_000]]
    columns = {"user_index": [7, 9], "items": [[2, 3], [4, 2, 5]], "times": times}
    pl.DataFrame(columns).cast(tables.HISTORIES).write_parquet(folder / "histories.parquet")
    window = {"window": [0], "user_index": [9], "start": [0], "stop": [2]}
    pl.DataFrame(window, tables.WINDOWS).write_parquet(folder / "windows.parquet")
    target = {"part": ["test"], "user_index": [target_user], "position": [2], "input_stop": [1]}
    pl.DataFrame(target, tables.TARGETS).write_parquet(folder / "targets.parquet")
    protocol = {"method": "temporal", "max_length": 3, "exclude_seen": True, "users": 2}
    write_json(folder / "summary.json", protocol)


def test_histories_are_read_with_rows_in_place_of_users(tmp_path: Path) -> None:
    write_tables(tmp_path, target_user=9)
    histories = read_histories(tmp_path)
    assert histories.protocol == Protocol("temporal", 3, True)
    assert histories.users.tolist() == [7, 9]
    assert histories.offsets.tolist() == [0, 2, 5]
    assert histories.items.tolist() == [2, 3, 4, 2, 5]
    assert histories.times.tolist() == [1e6, 2e6, 3e6, 4e6, 5e6]  # microseconds
    assert list(histories.window_bounds()) == [(1, 0, 2)]
    assert histories.targets["test"].row.tolist() == [1]
    assert histories.targets["test"].position.tolist() == [2]
    assert histories.targets["test"].input_stop.tolist() == [1]
    assert histories.targets["valid"].row.tolist() == []


@pytest.mark.parametrize("stranger", [6, 8, 10])
def test_a_target_of_a_user_without_a_history_is_refused(tmp_path: Path, stranger: int) -> None:
    write_tables(tmp_path, target_user=stranger)
    with pytest.raises(DataError, match=r"targets\.parquet names users that histories"):
        read_histories(tmp_path)
