"""Days are divided into ranges of one month that hold about so many events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.preprocessing.events import day_ranges
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.day_ranges import divide

DECEMBER = 19_692  # days since 1970 UTC on 2023-12-01


def chunk(name: str, days: dict[int, int]) -> Chunk:
    return Chunk(
        path=Path("group") / name,
        rows=sum(days.values()),
        days=np.array(list(days), dtype=np.int64),
        events_of_days=np.array(list(days.values()), dtype=np.int64),
        files=(),
        rows_of_files={},
    )


def test_a_range_ends_with_its_month_or_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_ranges, "PARTITION_EVENTS", 10)
    days = {-2: 1, -1: 1, 0: 4, 3: 6, 4: 100, 5: 1}  # from 2023-12-01; 4 + 6 events are enough
    ranges = divide([chunk("a", {DECEMBER + day: count for day, count in days.items()})])
    spans = [(days.first - DECEMBER, days.last - DECEMBER) for days in ranges]
    assert spans == [(-2, -1), (0, 3), (4, 4), (5, 5)]
    assert [days.name for days in ranges] == [
        "month=2023-11/from-29",
        "month=2023-12/from-01",
        "month=2023-12/from-05",
        "month=2023-12/from-06",
    ]


def test_a_range_knows_the_chunks_that_hold_its_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_ranges, "PARTITION_EVENTS", 2)
    chunks = [
        chunk("a", {DECEMBER: 1, DECEMBER + 1: 1}),
        chunk("b", {DECEMBER + 1: 1, DECEMBER + 2: 1}),
    ]
    # 1 + (1 + 1) events fill the first range
    assert [[c.path.name for c in days.chunks] for days in divide(chunks)] == [["a", "b"], ["b"]]


def test_no_chunk_gives_no_range() -> None:
    assert divide([]) == []
