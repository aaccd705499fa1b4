"""How the logs are split, how long inputs are, and whether seen items are recommended again."""

from __future__ import annotations

from typing import Any

from slmrec.init.facts import Facts

TEST_SHARE = 0.2  # of events, as split.test_from has it
MIN_TARGETS = 1_000  # of a test by time
COMES_BACK = 0.75  # share of late events whose user must be known from training
SESSION_DAYS = 1.0  # of a median user; shorter histories are sessions
SESSION_HISTORY = 0.5  # share of late events of sessions that must have an earlier one
SHORT, USUAL, LONG = 30, 50, 100  # inputs of a window
LONG_EVENTS, LONG_HISTORY = 500_000, 50  # events, and their median history, that fill long windows
HALF_LIFE = 0.2  # of the time that training spans, of pairs in the item graph
REPEATS = 0.05  # share of events, from which on seen items are recommended too


def split_method(f: Facts) -> dict[str, Any]:
    """By time where there is a clock and users come back after the cut, else each one's last."""
    return {"split.method": "temporal" if splits_by_time(f) else "leave_one_out"}


def splits_by_time(f: Facts) -> bool:
    """Whether a cut in time leaves enough targets, of users that training knows or of sessions."""
    logs = f.logs
    if not f.has_clock or _targets(f) < MIN_TARGETS:
        return False
    sessions = logs.lifespan_days < SESSION_DAYS and logs.late_with_history >= SESSION_HISTORY
    return sessions or logs.late_users_known >= COMES_BACK


def _targets(f: Facts) -> float:
    return f.logs.events * TEST_SHARE * f.logs.late_with_history


def why_split(f: Facts) -> str:
    """The figure that decided."""
    if not f.has_clock:
        return "there is no clock"
    if splits_by_time(f):
        return f"{f.logs.late_with_history:.0%} of the newest fifth have a history before them"
    if _targets(f) < MIN_TARGETS:
        return f"a cut in time would leave {_targets(f):,.0f} targets"
    return f"{f.logs.late_users_known:.0%} of the newest fifth are of users known before the cut"


def ageing(f: Facts) -> dict[str, Any]:
    """What was seen together lately counts more, where targets come after all of training."""
    return {"neighbours.graph.half_life": HALF_LIFE if splits_by_time(f) else None}


def window_length(f: Facts) -> dict[str, Any]:
    """The shortest window that holds nearly every history."""
    length = _window_length(f)
    return {
        "split.max_length": length,
        "export_onnx.lengths": [1, 2, 17, length, length + 30],
    }


def _window_length(f: Facts) -> int:
    if f.logs.length(0.95) <= SHORT:
        return SHORT
    long = f.logs.events >= LONG_EVENTS and f.logs.length(0.5) >= LONG_HISTORY
    return LONG if long else USUAL


def comes_back(f: Facts) -> bool:
    """Whether people have the same items again."""
    return f.logs.repeats >= REPEATS


def seen_items(f: Facts) -> dict[str, Any]:
    """Seen items stay in the lists where users take things again."""
    return {"split.exclude_seen": not comes_back(f), "split.seen_targets": "miss"}
