"""Thresholds that the logs themselves keep."""

from __future__ import annotations

import pytest

from slmrec.init.rules.thresholds import quarantine_share, validate_thresholds
from tests.init.support import BEAUTY, facts


def test_the_logs_keep_their_own_thresholds_with_room() -> None:
    f = facts(single_event_users=0.5, top_item=0.1, unusual_days=0.02)
    thresholds = validate_thresholds(f)

    assert thresholds["validate.min_events"] == BEAUTY.events // 2
    assert thresholds["validate.min_median_history"] == 3  # half of 6
    assert thresholds["validate.max_single_event_users"] == pytest.approx(0.65)  # 1.2 x .5 + .05
    assert thresholds["validate.max_top_item_share"] == pytest.approx(0.29)  # 2.4 x .1 + .05
    assert thresholds["validate.min_target_coverage"] == pytest.approx(0.4)  # half of .86
    assert thresholds["validate.max_unusual_days"] == 0.1


def test_without_a_clock_nothing_is_asked_of_days() -> None:
    thresholds = validate_thresholds(facts(clock=False))

    assert thresholds["validate.max_unusual_days"] == 1.0
    assert thresholds["validate.new_days"] is None
    assert thresholds["validate.min_target_coverage"] == 0.0


def test_more_bad_rows_than_usual_get_room_and_few_keep_the_usual_share() -> None:
    assert quarantine_share(facts(bad_share=0.005))["prepare.max_quarantine_share"] == 0.01
    assert quarantine_share(facts(bad_share=0.15))["prepare.max_quarantine_share"] == (
        pytest.approx(0.19)  # 1.2 x .15 + .01
    )
