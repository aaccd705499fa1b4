"""Thresholds of `validate` from the logs themselves, with room for what the next days bring."""

from __future__ import annotations

import math
from typing import Any

from slmrec.init.facts import Facts

USUAL_BAD_SHARE = 0.01  # of rows that are no events; prepare stops above


def validate_thresholds(f: Facts) -> dict[str, Any]:
    """What these logs keep easily, and half of it or double would not."""
    logs = f.logs
    thresholds: dict[str, Any] = {
        "min_events": max(logs.events // 2, 1),
        "min_median_history": max(logs.length(0.5) // 2, 1),
        "max_single_event_users": _above(logs.single_event_users, 0.05),
        "min_target_coverage": _down(logs.late_with_history / 2) if f.has_clock else 0.0,
        "max_top_item_share": _above(2 * logs.top_item, 0.05),
        "min_title_coverage": _down(0.9 * logs.titled) if f.uses_text else 0.0,
        "max_volume_ratio": 10,
        "max_unusual_days": max(_above(logs.unusual_days, 0.05), 0.1) if f.has_clock else 1.0,
    }
    if not f.has_clock:
        thresholds["new_days"] = None
    return {f"validate.{name}": value for name, value in thresholds.items()}


def quarantine_share(f: Facts) -> dict[str, Any]:
    """A hundredth, or what these logs need."""
    needed = _above(f.logs.bad_share, 0.01) if f.logs.bad_share > USUAL_BAD_SHARE else None
    return {"prepare.max_quarantine_share": needed or USUAL_BAD_SHARE}


def _above(share: float, room: float) -> float:
    """A share with room above it, in whole hundredths."""
    return min(math.ceil(100 * (1.2 * share + room)) / 100, 1.0)


def _down(share: float) -> float:
    return math.floor(20 * share) / 20
