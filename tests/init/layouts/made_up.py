"""Made-up events, of no real person, that the layouts write down in their own ways."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = 1_400_000_000  # epoch seconds, May 2014
DAY = 86_400
USERS, ITEMS = 60, 40
USER_NUMBERS, ITEM_NUMBERS = range(1, USERS + 1), range(1, ITEMS + 1)
ADJECTIVES = ("Silver", "Garden", "Night", "River", "Paper", "Winter", "Stone")


@dataclass(frozen=True)
class Event:
    """One event; user and item count from 1."""

    user: int
    item: int
    seconds: int
    stars: int

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    @property
    def day(self) -> int:
        """Midnight, epoch seconds."""
        return self.seconds // DAY * DAY

    def written(self, pattern: str) -> str:
        """The time as strftime writes it."""
        return self.moment.strftime(pattern)


def by_user(seed: int = 1) -> list[Event]:
    """Histories of 6 to 14 events over two years, one user after the other."""
    draw = random.Random(seed)
    events = []
    for user in USER_NUMBERS:
        seconds = START + draw.randrange(300 * DAY)
        for _ in range(draw.randrange(6, 15)):
            seconds += draw.randrange(3_600, 40 * DAY)
            item = min(int(draw.expovariate(0.06)), ITEMS - 1) + 1
            events.append(Event(user, item, seconds, draw.randrange(1, 6)))
    return events


def by_time(seed: int = 1) -> list[Event]:
    """The same events as time goes."""
    return sorted(by_user(seed), key=lambda event: event.seconds)


def newest_first(seed: int = 1) -> list[Event]:
    """The same events user by user, backwards."""
    return sorted(by_user(seed), key=lambda event: (event.user, -event.seconds))


def title(item: int) -> str:
    """A title of three words, different for each item."""
    return f"{ADJECTIVES[item % 7]} {ADJECTIVES[item * 3 % 7]} {item}"


def asin(item: int) -> str:
    """An item number as Amazon's are."""
    return f"B{item:03d}K9X7QZ"


def write(path: Path, lines: Iterable[str], encoding: str = "utf-8") -> None:
    """Write lines in an encoding, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_json(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines."""
    write(path, [json.dumps(row) for row in rows])
