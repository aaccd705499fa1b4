"""How far this version of the data lies from the previous one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from slmrec.params.validate import DriftParams
from slmrec.preprocessing.validation.profile import Profile


@dataclass(frozen=True)
class Shift:
    """One measure of drift: what was found and what is allowed."""

    name: str
    found: float
    allowed: float

    @property
    def within(self) -> bool:
        """Whether the data stayed within what is allowed."""
        return self.found <= self.allowed


def measure_drift(now: Profile, before: dict[str, Any], p: DriftParams) -> list[Shift]:
    """Measures of drift against the profile of the previous version."""
    new_items = sum(item not in before["popularity"] for item in now.popularity) / len(
        now.popularity
    )
    return [
        Shift(
            "popularity: Jensen-Shannon distance",
            jensen_shannon(now.popularity, before["popularity"]),
            p.max_popularity_shift,
        ),
        Shift(
            "history length: largest difference of the shares up to a length",
            _largest_gap(now.lengths, before["lengths"]),
            p.max_length_shift,
        ),
        Shift(
            "events a day: ratio, the larger by the smaller",
            _volume_ratio(now.days, before["days"]),
            p.max_volume_ratio,
        ),
        Shift(
            "most popular items that were not among them before: share",
            new_items,
            p.max_new_popular_items,
        ),
    ]


def jensen_shannon(first: dict[str, float], second: dict[str, float]) -> float:
    """Distance of two distributions, 0 to 1; what they do not name is one class of its own."""
    names = sorted({*first, *second})
    sides = []
    for shares in (first, second):
        named = [shares.get(name, 0.0) for name in names]
        sides.append(np.array([*named, max(1 - sum(named), 0.0)]))
    middle = (sides[0] + sides[1]) / 2
    divergence = sum(
        float(np.sum(side[side > 0] * np.log2(side[side > 0] / middle[side > 0]))) / 2
        for side in sides
    )
    return math.sqrt(max(divergence, 0.0))


def _largest_gap(now: list[int], before: list[int]) -> float:
    return float(np.abs(np.cumsum(now) / sum(now) - np.cumsum(before) / sum(before)).max())


def _volume_ratio(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> float:
    means = [float(np.mean([day["events"] for day in days])) for days in (now, before)]
    return max(means) / min(means)
