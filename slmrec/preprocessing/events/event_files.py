"""The event files that `prepare` wrote, found and counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError


@dataclass(frozen=True)
class EventFiles:
    """The event files in order of time, and how many events each holds."""

    paths: list[Path]
    events: list[int]

    @property
    def total(self) -> int:
        """Events of all files."""
        return sum(self.events)

    def time_at(self, place: int) -> int:
        """Microseconds of the event at a place in total order. Raises IndexError past the last."""
        for path, events in zip(self.paths, self.events, strict=True):
            if place < events:
                us = pl.scan_parquet(path).select(pl.col("time").dt.epoch("us"))
                return int(us.slice(place, 1).collect().item())
            place -= events
        raise IndexError(place)


def find_event_files(events_dir: Path) -> EventFiles:
    """The event files below `events_dir`. Raises DataError when there is no event."""
    paths = sorted((events_dir / "events").glob("month=*/*.parquet"))
    counts = [pl.scan_parquet(path).select(pl.len()).collect().item() for path in paths]
    if not sum(counts):
        raise DataError(f"{events_dir} holds no event; loosen the rules of prepare in params.yaml")
    return EventFiles(paths, counts)
