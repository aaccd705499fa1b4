"""A run whose heartbeats stop is marked as crashed."""

from __future__ import annotations

from flows.zombies import ENDS, HEARTBEAT, HEARTBEAT_SECONDS, WITHIN, automation


def test_a_heartbeat_may_be_missed_three_times_before_a_run_counts_as_crashed() -> None:
    assert WITHIN.total_seconds() > 3 * HEARTBEAT_SECONDS


def test_a_heartbeat_must_be_followed_by_another_or_by_an_end_of_the_run() -> None:
    trigger = automation().trigger
    assert trigger.after == {HEARTBEAT}  # type: ignore[union-attr]
    assert trigger.expect == {HEARTBEAT, *ENDS}  # type: ignore[union-attr]
