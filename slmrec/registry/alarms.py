"""When somebody has to look: thresholds on what a served log shows, and the alarms they raise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slmrec.registry.observed import Day


@dataclass(frozen=True)
class Thresholds:
    """What is allowed; None switches a threshold off."""

    below_days: int | None  # so many judged days in a row below the expected interval
    min_users: int  # fewer on a day are not judged
    max_unknown: float | None  # share of ids in histories and clicks
    max_top_share: float | None  # of all places, for the ten most shown items
    min_overlap: float | None  # share of a list that the champion would show, too
    max_age_days: float | None  # since the newest version was published


@dataclass(frozen=True)
class Alarm:
    """A threshold that was passed."""

    name: str
    seen: float
    wanted: str
    what: str  # what `seen` is

    def as_json(self) -> dict[str, Any]:
        """Its fields, and all of it in a line for a person."""
        line = f"{self.what} {self.seen:.4g}, wanted {self.wanted}"
        return asdict(self) | {"line": line}


def hit_alarm(days: Sequence[Day], limits: Thresholds) -> Iterator[Alarm]:
    """The newest judged days are all below what was expected."""
    judged = [day for day in days if day.judged]
    newest = judged[-limits.below_days :] if limits.below_days else []
    if newest and len(newest) == limits.below_days and all(day.below for day in newest):
        last = newest[-1]
        yield Alarm(
            "hit-rate",
            last.hit_rate or 0.0,
            f"at least {last.low:.4f}",
            f"hit rate of {last.day}, the last of {len(newest)} days below what was expected:",
        )


def share_alarms(
    unknown: float | None, top_share: float, overlap: float | None, limits: Thresholds
) -> Iterator[Alarm]:
    """Shares that are too large or too small; a share that is None was not measured."""
    if unknown is not None and limits.max_unknown is not None and unknown > limits.max_unknown:
        yield Alarm(
            "unknown-items",
            unknown,
            f"at most {limits.max_unknown:g}",
            "share of items in histories and clicks that the version does not know:",
        )
    if limits.max_top_share is not None and top_share > limits.max_top_share:
        yield Alarm(
            "exposure",
            top_share,
            f"at most {limits.max_top_share:g}",
            "share of all places that the ten most shown items take:",
        )
    if overlap is not None and limits.min_overlap is not None and overlap < limits.min_overlap:
        yield Alarm(
            "overlap",
            overlap,
            f"at least {limits.min_overlap:g}",
            "share of what was served that the champion would show, too:",
        )


def age_alarm(days: float, limits: Thresholds) -> Iterator[Alarm]:
    """No new version for too long."""
    if limits.max_age_days is not None and days > limits.max_age_days:
        yield Alarm(
            "no-new-version",
            days,
            f"at most {limits.max_age_days:g}",
            "days since the newest version was published:",
        )
