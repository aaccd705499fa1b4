"""Each threshold raises its alarm just beyond it, and none where it is off or not measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from slmrec.registry.alarms import Alarm, Thresholds, age_alarm, hit_alarm, share_alarms
from slmrec.registry.observed import Day

LIMITS = Thresholds(2, 30, 0.2, 0.5, 0.4, 14)
OFF = Thresholds(None, 30, None, None, None, None)
GOOD = Day(date(2026, 1, 1), 50, 50, 50, 0.20, 0.15, 0.25, True)
BAD = replace(GOOD, hit_rate=0.10)
FEW = replace(BAD, judged=False)


def names(alarms: list[Alarm]) -> list[str]:
    return [alarm.name for alarm in alarms]


def test_so_many_judged_days_in_a_row_below_what_was_expected() -> None:
    assert names(list(hit_alarm([GOOD, BAD, FEW, BAD], LIMITS))) == ["hit-rate"]
    assert not list(hit_alarm([BAD, GOOD, BAD], LIMITS))
    assert not list(hit_alarm([BAD, BAD, GOOD], LIMITS))  # over by now
    assert not list(hit_alarm([BAD, FEW], LIMITS))
    assert not list(hit_alarm([BAD, BAD], OFF))
    assert not list(hit_alarm([], LIMITS))


def test_shares_beyond_their_thresholds() -> None:
    assert names(list(share_alarms(0.21, 0.51, 0.39, LIMITS))) == [
        "unknown-items",
        "exposure",
        "overlap",
    ]
    assert not list(share_alarms(0.2, 0.5, 0.4, LIMITS))
    assert not list(share_alarms(None, 0.5, None, LIMITS))
    assert not list(share_alarms(1, 1, 0, OFF))


def test_no_new_version_for_too_long() -> None:
    (alarm,) = age_alarm(14.5, LIMITS)
    assert alarm.as_json()["line"] == (
        "days since the newest version was published: 14.5, wanted at most 14"
    )
    assert not list(age_alarm(14, LIMITS)) and not list(age_alarm(99, OFF))
