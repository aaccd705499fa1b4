"""A budget is spent by the clock, and says what to do when it is."""

from __future__ import annotations

import pytest

from flows import budget
from flows.budget import Budget


def test_no_minutes_are_no_bound() -> None:
    assert Budget.of(None) is None


def test_seconds_are_counted_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(budget.time, "monotonic", lambda: now)
    half_a_minute = Budget.of(0.5)
    assert half_a_minute is not None
    now = 120.0
    assert half_a_minute.seconds_left() == 10.0
    now = 131.0
    assert half_a_minute.seconds_left() == -1.0


def test_the_error_names_stage_and_minutes() -> None:
    error = Budget(90.0, 0.0).spent_in("train_teacher")
    assert str(error).startswith("train_teacher was not finished within the budget of 90 minutes")
    assert error.exit_code == 10
