"""Figures of the logs."""

from __future__ import annotations

import polars as pl
import pytest

from slmrec.init.log_reader import EVENTS, EventRows
from slmrec.init.log_statistics import DAY_US, LogStatistics, measure


def figures(
    *events: tuple[int, int, int], bad: int = 0, share: float = 1.0, **catalogue: list[object]
) -> LogStatistics:
    """Of events (user, item, day), with a catalogue of `item` and `titled`."""
    rows = [(user, item, day * DAY_US, 0) for user, item, day in events]
    listed = pl.DataFrame(catalogue, schema={"item": pl.UInt64, "titled": pl.Boolean})
    return measure(
        EventRows(pl.DataFrame(rows, schema=EVENTS, orient="row"), bad, share),
        listed if catalogue else None,
    )


def test_users_items_and_lengths_are_counted() -> None:
    logs = figures((1, 7, 0), (1, 8, 1), (1, 9, 2), (2, 7, 3), bad=1)

    assert (logs.events, logs.users, logs.items) == (4, 2, 3)
    assert (logs.single_event_users, logs.bad_share) == (1 / 2, 1 / 5)
    assert logs.length(0.98) == 3
    assert logs.top_item == 2 / 4
    assert logs.events_per_item == 4 / 3


def test_an_item_that_its_user_had_before_is_a_repeat() -> None:
    assert figures((1, 7, 0), (1, 7, 1), (1, 8, 2), (2, 7, 3)).repeats == pytest.approx(1 / 4)


def test_events_of_a_user_at_one_time_are_ties() -> None:
    assert figures((1, 7, 0), (1, 8, 0), (2, 7, 0)).ties == pytest.approx(2 / 3)


def test_late_events_are_known_by_training_or_by_their_own_history() -> None:
    # Ten events: the oldest 70% train, and of the newest fifth, days 8 and 9, user 2 is known
    # before day 7, user 3 only has an event on day 8.
    early = [(1, item, item) for item in range(6)]
    logs = figures(*early, (2, 6, 6), (1, 7, 7), (3, 8, 8), (2, 9, 9))

    assert logs.late_users_known == 1 / 2
    assert logs.late_with_history == 1 / 2


def test_a_busy_day_is_seen_beside_those_before_it() -> None:
    quiet = [(user, user, day) for day in range(4) for user in (1, 2)]
    busy = [(user, 9, 4) for user in range(1, 31)]

    logs = figures(*quiet, *busy)

    assert logs.busiest_day == 30 / 2
    assert logs.unusual_days == 1 / 5


def test_titles_are_counted_by_events() -> None:
    logs = figures((1, 7, 0), (1, 8, 1), (2, 7, 2), (2, 9, 3), item=[7, 8], titled=[True, False])

    assert (logs.listed, logs.titled) == (3 / 4, 2 / 4)


def test_events_of_a_part_are_scaled_to_the_whole() -> None:
    assert figures((1, 7, 0), (1, 8, 1), share=0.1).events == 20
