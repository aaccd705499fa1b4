"""No future event reaches an input; every transition is trained once; cuts mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmrec.core import tables
from slmrec.core.tables import DAY_US
from slmrec.params.split import SplitParams
from slmrec.preprocessing.events.event_files import EventFiles
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.splitting import splitters
from slmrec.preprocessing.splitting.splitters import Cuts, TargetsAndWindows, find_cut
from slmrec.preprocessing.splitting.user_blocks import UserBlock

HISTORIES = st.lists(
    st.lists(st.integers(0, 12), min_size=1, max_size=12).map(sorted), min_size=1, max_size=6
)


def block_of(times: list[list[int]]) -> UserBlock:
    flat = np.array([time for user in times for time in user], dtype=np.int64)
    return UserBlock(
        users=np.arange(len(times), dtype=np.uint32),
        offsets=np.cumsum([0, *map(len, times)]),
        items=np.arange(len(flat), dtype=np.uint32),
        times=flat,
    )


def params(**changes: Any) -> SplitParams:
    values = {
        "method": "temporal",
        "valid_from": "30%",
        "test_from": "20%",
        "max_length": 5,
        "exclude_seen": True,
        "seen_targets": "miss",
    }
    return SplitParams(**values | changes)


def leaks(times: list[list[int]], cut: TargetsAndWindows, cuts: Cuts) -> list[str]:
    """Every way in which an input holds what was not yet known."""
    faults = []
    for part, row, position, stop in cut.targets.iter_rows():
        seen, moment = times[row][:stop], times[row][position]
        if any(time >= moment for time in seen):
            faults.append(f"{part} target {position} of user {row} sees its own time or later")
        if moment < cuts.valid_from or (part == "test") != (moment >= cuts.test_from):
            faults.append(f"{part} target {position} of user {row} is on the wrong side of a cut")
    for row, start, stop in cut.windows.iter_rows():
        if any(time >= cuts.valid_from for time in times[row][start:stop]):
            faults.append(f"a window of user {row} trains on what is to be predicted")
    return faults


@settings(max_examples=60)
@given(HISTORIES, st.integers(1, 12), st.integers(0, 4), st.integers(2, 5))
def test_no_future_event_reaches_an_input(
    times: list[list[int]], valid_from: int, later: int, max_length: int
) -> None:
    cuts = Cuts(valid_from, valid_from + later)
    cut = splitters.temporal(block_of(times), cuts, params(max_length=max_length))
    assert leaks(times, cut, cuts) == []
    expected = sum(time >= valid_from for user in times for time in user)
    assert len(cut.targets) + cut.without_history == expected


MUTATIONS: dict[str, Callable[[UserBlock], np.ndarray]] = {
    "ties see each other": lambda block: np.concatenate(
        [np.arange(length) for length in np.diff(block.offsets)]
    ),
    "the target sees itself": lambda block: np.concatenate(
        [np.arange(1, length + 1) for length in np.diff(block.offsets)]
    ),
    "the whole history is seen": lambda block: np.repeat(
        np.diff(block.offsets), np.diff(block.offsets)
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_split_that_leaks_is_found_out(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitters, "earlier_events", MUTATIONS[mutation])
    times = [[1, 2, 2, 3, 3, 3], [1, 4]]
    assert leaks(times, splitters.temporal(block_of(times), Cuts(2, 3), params()), Cuts(2, 3))


def test_a_cut_that_lets_training_run_on_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_windows = splitters.cut_windows
    monkeypatch.setattr(
        splitters, "cut_windows", lambda training, length: cut_windows(training + 1, length)
    )
    times = [[1, 2, 3, 4], [1, 2, 5]]
    assert leaks(times, splitters.temporal(block_of(times), Cuts(3, 4), params()), Cuts(3, 4))


def test_earlier_events_are_those_before_the_tie() -> None:
    block = block_of([[1, 1, 2], [2, 3, 3, 3]])
    assert splitters.earlier_events(block).tolist() == [0, 0, 2, 0, 1, 1, 1]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(2, 7))
def test_each_transition_is_trained_once_and_the_last_window_is_full(
    training: list[int], max_length: int
) -> None:
    windows = splitters.cut_windows(np.array(training), max_length)
    for row, length in enumerate(training):
        bounds = windows.filter(pl.col("row") == row).select("start", "stop").rows()
        places = [place for start, stop in bounds for place in range(start, stop - 1)]
        assert places == list(range(max(length - 1, 0)))
        assert all(stop - start <= max_length + 1 for start, stop in bounds)
        if length > max_length:
            assert bounds[-1][1] - bounds[-1][0] == max_length + 1


def test_leave_one_out_tests_on_the_last_validates_on_the_one_before_and_trains_on_the_rest() -> (
    None
):
    cut = splitters.leave_one_out(block_of([[1, 1, 1, 1], [1, 2], [5]]), params())
    assert cut.targets.rows() == [("valid", 0, 2, 2), ("test", 0, 3, 3)]
    assert cut.windows.rows() == [(0, 0, 2), (1, 0, 2)]


def with_items(items: list[list[int]], times: list[list[int]]) -> UserBlock:
    flat = np.array([item for user in items for item in user], dtype=np.uint32)
    return replace(block_of(times), items=flat)


def test_targets_that_repeat_an_item_of_their_own_input_are_counted() -> None:
    # user 0 has 7 again at the end; user 1's 7 is new to them; user 2's 8 is tied with the first 8,
    # so that it stands in no input
    block = with_items([[7, 8, 7], [8, 9, 7], [9, 8, 8]], [[1, 2, 3], [1, 2, 3], [1, 3, 3]])
    cut = splitters.temporal(block, Cuts(3, 3), params())
    assert cut.seen == {"valid": 0, "test": 1}
    assert len(cut.targets) == 1 + 1 + 2
    assert splitters.leave_one_out(block, params()).seen == {"valid": 0, "test": 2}


@pytest.mark.parametrize(("exclude_seen", "targets"), [(True, 3), (False, 4)])
def test_such_targets_are_left_out_where_that_is_asked_and_they_could_not_be_recommended(
    exclude_seen: bool, targets: int
) -> None:
    block = with_items([[7, 8, 7], [8, 9, 7], [9, 8, 8]], [[1, 2, 3], [1, 2, 3], [1, 3, 3]])
    p = params(exclude_seen=exclude_seen, seen_targets="left_out")
    cut = splitters.temporal(block, Cuts(3, 3), p)
    assert len(cut.targets) == targets
    assert cut.seen == {"valid": 0, "test": 1}


@settings(max_examples=60)
@given(HISTORIES, st.integers(0, 2**32 - 1))
def test_a_target_is_seen_where_its_item_stands_before_its_input_ends(
    times: list[list[int]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    items = [random.integers(2, 6, len(user)).tolist() for user in times]
    cut = splitters.temporal(with_items(items, times), Cuts(4, 8), params())
    rows = cut.targets.rows()
    expected = [items[row][position] in items[row][:stop] for _part, row, position, stop in rows]
    assert splitters.in_own_input(with_items(items, times), cut.targets).to_list() == expected


@pytest.fixture
def ten_days(tmp_path: Path) -> EventFiles:
    """Ten events, one a day from 1970-01-01 on, in two files."""
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for path, days in zip(paths, (range(6), range(6, 10)), strict=True):
        columns = {"user_index": days, "item_index": days, "weight": days}
        table = pl.DataFrame({**columns, "time": [day * DAY_US for day in days]})
        table.cast(tables.EVENTS).write_parquet(path)
    return EventFiles(paths, [6, 4])


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("30%", 7 * DAY_US),  # the newest 3 of 10 events are those of days 7, 8 and 9
        ("100%", 0),
        ("0%", 9 * DAY_US + 1),  # after the newest event
        ("2d", 7 * DAY_US),  # 9 - 2
        ("0.5d", 8 * DAY_US + DAY_US // 2),
        ("1970-01-04T00:00:00Z", 3 * DAY_US),
    ],
)
def test_a_cut_is_a_share_of_events_a_time_before_the_newest_or_a_time(
    ten_days: EventFiles, text: str, us: int
) -> None:
    assert find_cut(text, ten_days) == us
    assert parse_time("1970-01-04") == 3 * DAY_US
