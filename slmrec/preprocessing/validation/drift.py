"""How far this version of the data lies from the previous one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon

from slmrec.params.validate import DriftParams
from slmrec.preprocessing.validation.profile import Profile

# What the measures are called in result.json, on the page and in messages.
POPULARITY = "popularity: Jensen-Shannon distance"
HISTORY_LENGTH = "history length: largest difference of the shares up to a length"
VOLUME = "events a day: ratio, the larger by the smaller"
NEW_ITEMS = "most popular items that were not among them before: share"


@dataclass(frozen=True)
class Shift:
    """One measure of drift."""

    name: str
    value: float
    allowed: float

    @property
    def within(self) -> bool:
        """Whether the data stayed within what is allowed."""
        return self.value <= self.allowed

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.3f}, allowed {self.allowed:g}"

    def as_json(self) -> dict[str, Any]:
        """An entry of "drift" in result.json."""
        return {"name": self.name, "found": self.value, "allowed": self.allowed}


def measure_drift(now: Profile, before: dict[str, Any], p: DriftParams) -> list[Shift]:
    """Measures of drift against the profile of the previous version, as read from JSON."""
    distance = jensen_shannon(now.popularity, before["popularity"])
    gap = _largest_gap(now.lengths, before["lengths"])
    ratio = _volume_ratio(now.days, before["days"])
    new_items = sum(item not in before["popularity"] for item in now.popularity)
    new_share = new_items / len(now.popularity)
    return [
        Shift(POPULARITY, distance, p.max_popularity_shift),
        Shift(HISTORY_LENGTH, gap, p.max_length_shift),
        Shift(VOLUME, ratio, p.max_volume_ratio),
        Shift(NEW_ITEMS, new_share, p.max_new_popular_items),
    ]


def jensen_shannon(first: dict[str, float], second: dict[str, float]) -> float:
    """Jensen-Shannon distance (base 2) of two distributions over items, from 0 to 1.

    Both name the shares of some items; the items that they do not name are one class of their own.
    """
    names = sorted({*first, *second})
    distributions = [
        _with_rest([shares.get(name, 0.0) for name in names]) for shares in (first, second)
    ]
    with np.errstate(invalid="ignore"):
        distance = float(jensenshannon(*distributions, base=2))
    # Rounding can make the divergence of all but equal distributions negative, and its root NaN.
    return 0.0 if math.isnan(distance) else distance


def _with_rest(shares: list[float]) -> np.ndarray:
    return np.array([*shares, max(1 - sum(shares), 0.0)])  # (names + 1,)


def _largest_gap(now: list[int], before: list[int]) -> float:
    """Largest difference of two cumulative distributions, from counts by class."""
    return float(np.abs(np.cumsum(now) / sum(now) - np.cumsum(before) / sum(before)).max())


def _volume_ratio(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> float:
    means = [float(np.mean([day["events"] for day in days])) for days in (now, before)]
    return max(means) / min(means)
