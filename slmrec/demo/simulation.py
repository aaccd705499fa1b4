"""Logs of any size with known structure, and the best that any model can reach on them.

The events are drawn from a simulated world, in which the probability of each next item is known;
so is the best ranking for each event, and its expected NDCG@10.
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.errors import UsageError
from slmrec.core.files import new_folder, write_json
from slmrec.demo.simulated_world import (
    DAYS,
    FIRST_DAY,
    TRUTH_DAYS,
    DayEvents,
    World,
    draw_day,
    make_world,
)

TRUTH_EVENTS = 1000  # of which the truth is the mean
TOP = 10


def simulate(users: int, events: int, seed: int, logs_dir: Path) -> None:
    """Write `events` events of `users` users, a day at a time, and the truth about them.

    Layout: events/date=YYYY-MM-DD/events.parquet (user_id, item_id, timestamp in seconds),
    items/items.parquet (item_id, title), truth.json. The same arguments give the same bytes. Raises
    UsageError when a number is too small.
    """
    if users < 1 or events < DAYS or seed < 0:
        raise UsageError(
            f"{users} users, {events} events, seed {seed}: "
            f"expected at least 1 user, {DAYS} events and seed 0"
        )
    world = make_world(users, events, seed)
    items = len(world.item_taste)
    user_ids, item_ids = _numbered("user", users, digits=8), _numbered("item", items, digits=7)
    last_item = np.full(users, -1, dtype=np.int64)
    best: list[np.ndarray] = []
    with new_folder(logs_dir) as folder:
        for day, count in enumerate(events_by_day(events)):
            drawn = draw_day(world, day, count, last_item)
            if count:
                _write_day(drawn, day, user_ids, item_ids, folder)
            if day >= DAYS - TRUTH_DAYS:
                best.append(best_ndcg(world, day, drawn, -(-TRUTH_EVENTS // TRUTH_DAYS)))
        _write_items(world, item_ids, folder)
        arguments = {"users": users, "events": events, "seed": seed}
        truth = arguments | {"items": items} | _truth(np.concatenate(best))
        write_json(folder / "truth.json", truth)


def events_by_day(events: int) -> list[int]:
    """How many events each day has: a weekly wave around the mean that sums to `events`."""
    weights = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    bounds = np.round(np.cumsum(weights) / weights.sum() * events).astype(np.int64)
    return [int(count) for count in np.diff(bounds, prepend=0)]


def best_ndcg(world: World, day: int, drawn: DayEvents, events: int) -> np.ndarray:
    """Expected NDCG@10 of the best ranking for some events of a day.  # (events or fewer,)

    The best ranking orders items by their true probability.
    """
    places = np.linspace(0, len(drawn.users) - 1, min(events, len(drawn.users))).astype(np.int64)
    gains = 1 / np.log2(np.arange(2, TOP + 2))
    best = []
    for user, last_item in zip(drawn.users[places], drawn.last_items[places], strict=True):
        taste = int(world.user_taste[user])
        probabilities = world.next_item_probabilities(day, taste, int(last_item))
        best.append(np.sort(np.partition(probabilities, -TOP)[-TOP:])[::-1] @ gains)
    return np.array(best)


def _numbered(prefix: str, count: int, digits: int) -> pl.Series:
    numbers = pl.int_range(count).cast(pl.String).str.zfill(digits)
    return pl.select(pl.format(f"{prefix}-{{}}", numbers)).to_series()


def _write_day(
    drawn: DayEvents, day: int, user_ids: pl.Series, item_ids: pl.Series, folder: Path
) -> None:
    columns = {
        "user_id": user_ids.gather(drawn.users),
        "item_id": item_ids.gather(drawn.items),
        "timestamp": drawn.seconds,
    }
    day_dir = folder / "events" / f"date={FIRST_DAY + timedelta(days=day)}"
    day_dir.mkdir(parents=True)
    pl.DataFrame(columns).write_parquet(day_dir / "events.parquet")


def _write_items(world: World, item_ids: pl.Series, folder: Path) -> None:
    numbers, tastes = pl.int_range(len(item_ids)), pl.Series(world.item_taste)
    titles = pl.select(pl.format("Item {} of taste {}", numbers, tastes)).to_series()
    (folder / "items").mkdir()
    items = pl.DataFrame({"item_id": item_ids, "title": titles})
    items.write_parquet(folder / "items" / "items.parquet")


def _truth(best: np.ndarray) -> dict[str, object]:
    return {
        "best_ndcg@10": float(best.mean()),
        "standard_error": float(best.std() / math.sqrt(len(best))),
        "measured_on": f"{len(best)} events of the newest {TRUTH_DAYS} days, "
        "every item ranked, seen ones too",
    }
