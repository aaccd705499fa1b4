"""Ordered sequences without a clock, as logs that `prepare` reads."""

from __future__ import annotations

from pathlib import Path

FIRST_TIME = 1_000_000_000  # epoch seconds
HEADER = "user,item,timestamp\n"


def write_logs(sequences: Path, events: Path, *, drop_last: bool = False) -> None:
    """Lines of a user and its items, oldest first, as a CSV with one event a second.

    With `drop_last`, each user's last event is left out.
    """
    with sequences.open() as lines, events.open("w") as out:
        out.write(HEADER)
        for line in lines:
            user, *items = line.split()
            for step, item in enumerate(items[:-1] if drop_last else items):
                out.write(f"{user},{item},{FIRST_TIME + step}\n")
