"""After any change of logs or params the bytes are those of a full rebuild."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slmrec.preprocessing.events import day_ranges
from tests.support.logs import DAY, START, Workshop, as_csv, day_of_events

CHANGES = {
    "a day is appended": lambda workshop: workshop.deliver_days(range(60, 61)),
    "a late day comes first": lambda workshop: workshop.deliver(
        "day=000/late.csv", as_csv(day_of_events(-5))
    ),
    "a late event comes": lambda workshop: workshop.deliver(
        "zzz.csv", as_csv([("late", "later", START + 31 * DAY, 1.0)])
    ),
    "a day is delivered again, longer": lambda workshop: workshop.deliver(
        "day=059/events.csv", as_csv(day_of_events(59, 35))
    ),
    "a day is taken away": lambda workshop: Path("data/logs/day=030/events.csv").unlink(),
    "a rule changes": lambda workshop: workshop.set(prepare__min_item_events=20),
    "the seed changes": lambda workshop: workshop.set(prepare__seed=7),
    "the weights' minimum changes": lambda workshop: workshop.set(prepare__min_weight=0.5),
}


def prepared_bytes(workshop: Workshop) -> str:
    """Digest of what prepare and split make now."""
    workshop.prepare()
    workshop.split()
    return workshop.promised_bytes()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("partition_events", [70, day_ranges.PARTITION_EVENTS])
def test_after_a_change_the_bytes_are_those_of_a_full_rebuild(
    workshop: Workshop, change: str, partition_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_ranges, "PARTITION_EVENTS", partition_events)
    workshop.deliver_days(range(60))
    workshop.prepare()
    CHANGES[change](workshop)
    incremental = prepared_bytes(workshop)
    shutil.rmtree("cache")
    assert incremental == prepared_bytes(workshop)
