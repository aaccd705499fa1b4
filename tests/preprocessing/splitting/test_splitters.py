"""No future event reaches an input; every transition is trained once; cuts mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmrec.core.errors import DataError, UsageError
from slmrec.dataset.histories import read_histories
from slmrec.preprocessing.splitting import splitters, user_blocks
from slmrec.preprocessing.splitting.splitters import Cuts, Parts
from slmrec.preprocessing.splitting.user_blocks import UserBlock
from tests.support.logs import Workshop, as_csv

START, DAY = 1_700_000_000, 86_400
HISTORIES = st.lists(
    st.lists(st.integers(0, 12), min_size=1, max_size=12).map(sorted), min_size=1, max_size=6
)


def block_of(times: list[list[int]]) -> UserBlock:
    flat = np.array([time for user in times for time in user], dtype=np.int64)
    offsets = np.cumsum([0, *map(len, times)])
    return UserBlock(
        np.arange(len(times), dtype=np.uint32), offsets, np.arange(len(flat), dtype=np.uint32), flat
    )


def future_events(times: list[list[int]], parts: Parts, cuts: Cuts) -> list[str]:
    """Looks for every way in which an input could hold what was not yet known."""
    found = []
    for part, row, position, stop in parts.targets.iter_rows():
        seen, moment = times[row][:stop], times[row][position]
        if any(time >= moment for time in seen):
            found.append(f"{part} target {position} of user {row} sees its own time or later")
        if moment < cuts.valid_from or (part == "test") != (moment >= cuts.test_from):
            found.append(
                f"{part} target {position} of user {row} lies on the wrong side of the cuts"
            )
    for row, start, stop in parts.windows.iter_rows():
        if any(time >= cuts.valid_from for time in times[row][start:stop]):
            found.append(f"a window of user {row} trains on what is to be predicted")
    return found


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.integers(1, 12), st.integers(0, 4), st.integers(2, 5))
def test_no_future_event_reaches_an_input(
    times: list[list[int]], valid_from: int, later: int, max_length: int
) -> None:
    cuts = Cuts(valid_from, valid_from + later)
    parts = splitters.temporal(block_of(times), cuts, max_length)
    assert future_events(times, parts, cuts) == []
    expected = sum(time >= valid_from for user in times for time in user)
    assert len(parts.targets) + parts.without_history == expected


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
    assert future_events(times, splitters.temporal(block_of(times), Cuts(2, 3), 5), Cuts(2, 3))


def test_a_cut_that_lets_training_run_on_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = splitters.cut_windows
    monkeypatch.setattr(
        splitters, "cut_windows", lambda training, length: whole(training + 1, length)
    )
    times = [[1, 2, 3, 4], [1, 2, 5]]
    assert future_events(times, splitters.temporal(block_of(times), Cuts(3, 4), 5), Cuts(3, 4))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(2, 7))
def test_each_transition_is_trained_once_and_the_last_window_is_full(
    training: list[int], max_length: int
) -> None:
    windows = splitters.cut_windows(np.array(training), max_length)
    for row, length in enumerate(training):
        bounds = windows.filter(pl.col("row") == row).select("start", "stop").rows()
        seen = [place for start, stop in bounds for place in range(start, stop - 1)]
        assert seen == list(range(max(length - 1, 0)))
        assert all(stop - start <= max_length + 1 for start, stop in bounds)
        if length > max_length:
            assert bounds[-1][1] - bounds[-1][0] == max_length + 1


def test_leave_one_out_tests_on_the_last_validates_on_the_one_before_and_trains_on_the_rest() -> (
    None
):
    parts = splitters.leave_one_out(block_of([[1, 1, 1, 1], [1, 2], [5]]), 10)
    assert parts.targets.rows() == [("valid", 0, 2, 2), ("test", 0, 3, 3)]
    assert parts.windows.rows() == [(0, 0, 2), (1, 0, 2)]


def deliver(workshop: Workshop, users: dict[str, list[int]]) -> None:
    """Events at these days after the start, each of a new item."""
    events = [
        (user, f"{user} {place}", START + day * DAY, 1.0)
        for user, days in users.items()
        for place, day in enumerate(days)
    ]
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()


def test_users_who_appear_after_the_cut_and_days_without_events(workshop: Workshop) -> None:
    workshop.set(split__valid_from="12d", split__test_from="5d")
    deliver(workshop, {"old": [0, 1, 90], "new": [95, 96], "once": [93]})
    summary = workshop.split()
    # valid: nothing predictable before day 91; old 90 >= 96 - 12 = 84; test from 91: new 96 from
    # 95; new 95 and once 93 have no history
    assert (
        summary["valid_targets"],
        summary["test_targets"],
        summary["targets_without_history"],
    ) == (1, 1, 2)
    assert summary["users"] == 3


def test_ties_at_the_cut_stay_together(workshop: Workshop) -> None:
    workshop.set(split__valid_from="70%", split__test_from="50%")
    deliver(workshop, {"a": [0, 0, 1, 2, 2, 2, 3], "b": [0, 0, 1, 2, 2, 2, 3]})
    summary = workshop.split()
    # the newest half of 14 events begins within the six of day 2: all six are targets, and the two
    # of day 3
    assert summary["test_targets"] == 8 and summary["valid_targets"] == 2
    found = read_histories(Path("histories"))
    assert set(found.targets["test"].input_stop.tolist()) == {3, 6}


@pytest.mark.parametrize(
    ("valid_from", "test_from", "said"),
    [
        ("2000-01-01", "20%", "nothing to train on"),
        ("20%", "2090-01-01T00:00:00Z", "nothing to test on"),
        ("400d", "1d", "nothing to train on"),
        ("0%", "0%", "nothing to test on"),
    ],
)
def test_a_cut_outside_the_data_is_told(
    workshop: Workshop, valid_from: str, test_from: str, said: str
) -> None:
    workshop.set(split__valid_from=valid_from, split__test_from=test_from)
    deliver(workshop, {"ann": [0, 1, 2, 3]})
    with pytest.raises(DataError, match=said):
        workshop.split()


def test_cuts_in_the_wrong_order_or_of_no_form_are_told(workshop: Workshop) -> None:
    deliver(workshop, {"ann": [0, 1, 2, 3]})
    for valid_from, test_from in (("20%", "60%"), ("soon", "20%")):
        workshop.set(split__valid_from=valid_from, split__test_from=test_from)
        with pytest.raises(UsageError, match=r"after split\.test_from|is not an ISO 8601 time"):
            workshop.split()


@pytest.mark.parametrize("method", ["temporal", "leave_one_out"])
def test_one_user_and_users_with_one_event_are_no_fault(workshop: Workshop, method: str) -> None:
    workshop.set(split__method=method)
    deliver(workshop, {"ann": list(range(10))})
    assert workshop.split()["users"] == 1
    workshop.clear()
    deliver(workshop, {"ann": list(range(10)), "bob": [0], "eve": [9]})
    assert workshop.split()["users"] == 3
    assert len(read_histories(Path("histories")).items) == 12


@pytest.mark.parametrize("method", ["temporal", "leave_one_out"])
def test_users_with_one_event_alone_are_told_and_nothing_is_written(
    workshop: Workshop, method: str
) -> None:
    workshop.set(split__method=method)
    deliver(workshop, {f"user {number}": [number] for number in range(10)})
    with pytest.raises(
        DataError, match="10 users with 10 events give no windows; bring users with more events"
    ):
        workshop.split()
    assert not Path("histories").exists()


def test_small_blocks_of_users_give_the_same_tables(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(workshop, {f"user {number}": list(range(number % 5 * 9 + 1)) for number in range(40)})
    workshop.split()
    tables = [
        pl.read_parquet(f"histories/{name}.parquet") for name in ("histories", "targets", "windows")
    ]
    monkeypatch.setattr(user_blocks, "BLOCK_EVENTS", 50)
    workshop.split()
    for name, table in zip(("histories", "targets", "windows"), tables, strict=True):
        assert pl.read_parquet(f"histories/{name}.parquet").equals(table), name


def test_no_event_at_all_is_told(workshop: Workshop) -> None:
    Path("events/events").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no event"):
        workshop.split()
