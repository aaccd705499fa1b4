"""How logs are split, how long inputs are, and whether seen items come again."""

from __future__ import annotations

import pytest

from slmrec.init.rules.split_rules import seen_items, split_method, why_split, window_length
from tests.init.support import BEAUTY, STEAM, facts


def test_users_who_come_back_are_split_by_time_and_others_leave_one_out() -> None:
    assert split_method(facts(STEAM)) == {"split.method": "temporal"}  # 86% known before the cut
    assert split_method(facts(BEAUTY)) == {"split.method": "leave_one_out"}  # 62%
    assert "62%" in why_split(facts(BEAUTY))


def test_without_a_clock_or_targets_one_is_left_out() -> None:
    assert split_method(facts(STEAM, clock=False)) == {"split.method": "leave_one_out"}
    few = facts(STEAM, events=5_000)  # 5,000 x 20% x 97% = 974 targets
    assert split_method(few) == {"split.method": "leave_one_out"}
    assert "974 targets" in why_split(few)


def test_sessions_are_split_by_time_though_their_users_never_come_back() -> None:
    sessions = facts(STEAM, lifespan_days=0.01, late_users_known=0.0, late_with_history=0.8)

    assert split_method(sessions) == {"split.method": "temporal"}


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"lengths": (6, 9, 14, 21, 32)}, 30),
        ({"lengths": (8, 12, 21, 32, 54)}, 50),
        ({"lengths": (65, 148, 244, 310, 378)}, 50),
        ({"lengths": (65, 148, 244, 310, 378), "events": 1_000_000}, 100),
    ],
)
def test_windows_hold_nearly_every_history(changes: dict[str, object], length: int) -> None:
    settings = window_length(facts(**changes))  # type: ignore[arg-type]

    assert settings["split.max_length"] == length
    assert settings["export_onnx.lengths"][-1] > length  # longer inputs are cut, which is checked


def test_seen_items_are_recommended_where_users_take_them_again() -> None:
    assert seen_items(facts(repeats=0.021))["split.exclude_seen"]
    assert not seen_items(facts(repeats=0.74))["split.exclude_seen"]
