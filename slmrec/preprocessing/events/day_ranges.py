"""Days in ranges that become partitions of the events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.core.tables import DAY_US
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.timestamps import format_time

PARTITION_EVENTS = 2_000_000  # closes a partition; all events of a day are in one


@dataclass(frozen=True)
class DayRange:
    """Days of one month that follow each other, and the chunks that hold events of them."""

    first: int  # days since 1970 UTC
    last: int
    chunks: list[Chunk]

    @property
    def name(self) -> str:
        """The partition's path below a folder of partitions: month=YYYY-MM/from-DD."""
        date = _date(self.first)
        return f"month={date[:7]}/from-{date[8:]}"


def divide(chunks: list[Chunk]) -> list[DayRange]:
    """All days in ranges that become partitions, in order of time."""
    if not chunks:
        return []
    days, places = np.unique(np.concatenate([chunk.days for chunk in chunks]), return_inverse=True)
    weights = np.concatenate([chunk.events_of_days for chunk in chunks])
    events = np.bincount(places, weights=weights).astype(np.int64)
    ranges = []
    for first, last in _spans(days.tolist(), events.tolist()):
        holders = [chunk for chunk in chunks if chunk.holds(first, last)]
        ranges.append(DayRange(first, last, holders))
    return ranges


def _spans(days: list[int], events: list[int]) -> list[tuple[int, int]]:
    """First and last days of the partitions, from the days that have events and how many."""
    spans: list[tuple[int, int]] = []
    month, events_so_far = "", 0
    for day, count in zip(days, events, strict=True):
        if events_so_far >= PARTITION_EVENTS or _date(day)[:7] != month:
            spans.append((day, day))
            month, events_so_far = _date(day)[:7], 0
        spans[-1] = (spans[-1][0], day)
        events_so_far += count
    return spans


def _date(day: int) -> str:
    return format_time(day * DAY_US)[:10]
