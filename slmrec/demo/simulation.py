"""Logs of any size with known structure, and the best that any model can reach on them.

The world: every item has a taste and a popularity that drifts through the year; part of the items
appear during it. A user prefers one taste. An event is either a step along a fixed item-to-item
table or a draw from the popularity of a taste on that day. Because all of this is known, so is the
best ranking for each event, and its expected NDCG@10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.errors import UsageError
from slmrec.core.files import new_folder, write_json

FIRST_DAY, DAYS = date(2025, 1, 1), 365
TASTES = 16
STEP = 0.5  # share of events that follow the item-to-item table, where the user has a last item
OWN_TASTE = 0.8  # share of the other events that come from the user's own taste
SUCCESSORS = np.array([0.4, 0.3, 0.2, 0.1])  # of every item
BORN_FIRST = 0.7  # share of items and of users that are there on the first day
DRIFT = 1.0  # of log popularity, up and down through the year
DRIFT_DAYS = 5  # popularity is constant for so many days
MEAN_SESSION, LONGEST_SESSION = 3, 12  # events
LONGEST_GAP = 600  # seconds within a session
TRUTH_DAYS = DAYS // 5  # the newest days, on which the truth is measured
TRUTH_EVENTS = 1000  # of which the truth is the mean
TOP = 10


@dataclass(frozen=True, eq=False)  # compared by identity: a world is a key of its cached shares
class World:
    """What does not change while events are drawn; I items, U users."""

    seed: int
    item_taste: np.ndarray  # (I,) rising, so that a taste is a slice
    item_born: np.ndarray  # (I,) day
    popularity: np.ndarray  # (I,) log
    phase: np.ndarray  # (I,) of the drift, 0 to 1
    successors: np.ndarray  # (I, 4) items born no later
    user_taste: np.ndarray  # (U,)
    user_born: np.ndarray  # (U,) day, rising
    activity: np.ndarray  # (U,) cumulative

    @lru_cache(maxsize=2)  # noqa: B019 - a world lives as long as its process
    def shares(self, period: int) -> np.ndarray:
        """Each item's share of its taste's draws in a drift period, 0 before it is born.  # (I,)"""
        wave = np.sin(2 * np.pi * (period * DRIFT_DAYS / DAYS + self.phase))
        weight = np.where(
            self.item_born <= period * DRIFT_DAYS, np.exp(self.popularity + DRIFT * wave), 0.0
        )
        return weight / np.bincount(self.item_taste, weight, TASTES)[self.item_taste]


def make_world(users: int, events: int, seed: int) -> World:
    """Draw a world. The catalogue grows with the square root of the events."""
    rng = np.random.default_rng([seed, DAYS])
    items = max(20 * TASTES, round(5 * math.sqrt(events)))
    taste = np.sort(np.arange(items) % TASTES)
    born = np.where(
        rng.random(items) < BORN_FIRST, 0, rng.integers(1, DAYS - TRUTH_DAYS // 2, items)
    )
    born[np.searchsorted(taste, np.arange(TASTES))] = 0  # no taste is ever empty
    user_born = np.sort(np.where(rng.random(users) < BORN_FIRST, 0, rng.integers(1, DAYS, users)))
    user_born[0] = 0
    return World(
        seed=seed,
        item_taste=taste,
        item_born=born,
        popularity=-np.log1p(rng.permutation(items) / TASTES),
        phase=rng.random(items),
        successors=_successors(taste, born, rng),
        user_taste=rng.integers(0, TASTES, users),
        user_born=user_born,
        activity=np.cumsum(rng.lognormal(0, 1, users)),
    )


def _successors(taste: np.ndarray, born: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Four items of the same taste that are born no later than the item itself.  # (I, 4)"""
    found = np.empty((len(taste), len(SUCCESSORS)), dtype=np.int64)
    for each in range(TASTES):
        members = np.flatnonzero(taste == each)
        members = members[np.argsort(born[members], kind="stable")]
        older = np.searchsorted(born[members], born[members], side="right")
        found[members] = members[
            (rng.random((len(members), len(SUCCESSORS))) * older[:, None]).astype(np.int64)
        ]
    return found


def simulate(users: int, events: int, seed: int, out: Path) -> None:
    """Write `events` events of `users` users to the folder `out`, a day at a time, and the truth beside them.

    Layout: events/date=YYYY-MM-DD/events.parquet (user_id, item_id, timestamp in seconds),
    items/items.parquet (item_id, title), truth.json. The same arguments give the same bytes. Raises
    UsageError when a number is too small.
    """
    if users < 1 or events < DAYS or seed < 0:
        raise UsageError(
            f"{users} users, {events} events, seed {seed}: expected at least 1 user, {DAYS} events and seed 0"
        )
    world = make_world(users, events, seed)
    names = pl.select(
        pl.format("user-{}", pl.int_range(users).cast(pl.String).str.zfill(8))
    ).to_series()
    items = len(world.item_taste)
    item_names = pl.select(
        pl.format("item-{}", pl.int_range(items).cast(pl.String).str.zfill(7))
    ).to_series()
    last = np.full(users, -1, dtype=np.int64)  # each user's newest item
    truth: list[np.ndarray] = []
    with new_folder(out) as folder:
        for day, count in enumerate(_events_by_day(events)):
            drawn = draw_day(world, day, count, last)
            table = pl.DataFrame(
                {
                    "user_id": names.gather(drawn.users),
                    "item_id": item_names.gather(drawn.items),
                    "timestamp": drawn.seconds,
                }
            )
            path = folder / "events" / f"date={FIRST_DAY + timedelta(days=day)}" / "events.parquet"
            path.parent.mkdir(parents=True)
            table.write_parquet(path)
            if day >= DAYS - TRUTH_DAYS:
                truth.append(best_ndcg(world, day, drawn, -(-TRUTH_EVENTS // TRUTH_DAYS)))
        (folder / "items").mkdir()
        titles = pl.select(
            pl.format("Item {} of taste {}", pl.int_range(items), pl.Series(world.item_taste))
        ).to_series()
        pl.DataFrame({"item_id": item_names, "title": titles}).write_parquet(
            folder / "items" / "items.parquet"
        )
        write_json(folder / "truth.json", _truth(users, events, seed, items, np.concatenate(truth)))


def _events_by_day(events: int) -> list[int]:
    """A weekly wave around the mean; sums to `events`."""
    weights = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    bounds = np.round(np.cumsum(weights) / weights.sum() * events).astype(np.int64)
    return [int(count) for count in np.diff(bounds, prepend=0)]


def _truth(users: int, events: int, seed: int, items: int, best: np.ndarray) -> dict[str, object]:
    return {
        "users": users,
        "events": events,
        "seed": seed,
        "items": items,
        "best_ndcg@10": float(best.mean()),
        "standard_error": float(best.std() / math.sqrt(len(best))),
        "measured_on": f"{len(best)} events of the newest {TRUTH_DAYS} days, every item ranked, seen ones too",
    }


@dataclass(frozen=True)
class Drawn:
    """A day's events by time; `before` is the user's item before the event, -1 for none; N events."""

    users: np.ndarray  # (N,)
    items: np.ndarray  # (N,)
    before: np.ndarray  # (N,)
    seconds: np.ndarray  # (N,) since 1970 UTC


def draw_day(world: World, day: int, count: int, last: np.ndarray) -> Drawn:
    """Draw `count` events of one day in sessions, and move `last` on. A session ends within its day."""
    rng = np.random.default_rng([world.seed, day])
    who, lengths = _sessions(world, day, count, rng)
    start = (
        rng.integers(0, 86_400 - LONGEST_SESSION * LONGEST_GAP, len(who))
        + (FIRST_DAY - date(1970, 1, 1)).days * 86_400
        + day * 86_400
    )
    cumulative = np.cumsum(world.shares(day // DRIFT_DAYS))  # rises by one for each taste
    rounds: list[Drawn] = []
    clock = start
    for step in range(int(lengths.max(initial=0))):
        active = lengths > step
        who, lengths, clock = who[active], lengths[active], clock[active]
        before = last[who]
        last[who] = _next_items(world, who, before, cumulative, rng)
        rounds.append(Drawn(who, last[who], before, clock))
        clock = (
            clock + 1 + np.minimum(rng.exponential(60, len(who)).astype(np.int64), LONGEST_GAP - 1)
        )
    joined = [
        np.concatenate([getattr(part, name) for part in rounds])
        for name in ("users", "items", "before", "seconds")
    ]
    order = np.argsort(joined[3], kind="stable")
    return Drawn(*(column[order] for column in joined))


def _sessions(
    world: World, day: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Who comes on a day and for how many events, `count` in all unless every user has come."""
    born = int(np.searchsorted(world.user_born, day, side="right"))
    who = np.empty(0, dtype=np.int64)
    lengths = np.empty(0, dtype=np.int64)
    while lengths.sum() < count and len(who) < born:
        # A user comes at most once a day, so that sessions do not cross; draw until there are
        # enough.
        more = np.searchsorted(
            world.activity[:born],
            rng.random(count // MEAN_SESSION + 1) * world.activity[born - 1],
            side="right",
        )
        fresh = np.setdiff1d(more, who)
        if len(fresh) * 20 < len(more):  # the busy ones are all here: fill up with anyone
            fresh = np.setdiff1d(np.arange(born), who)
        who = np.concatenate([who, rng.permutation(fresh)])
        lengths = np.concatenate(
            [lengths, np.minimum(rng.geometric(1 / MEAN_SESSION, len(fresh)), LONGEST_SESSION)]
        )
    if lengths.sum() < count:
        raise UsageError(
            f"{born} users cannot make {count} events in a day ({int(lengths.sum())} at most); ask for more users"
        )
    enough = int(np.searchsorted(np.cumsum(lengths), count)) + 1
    who, lengths = who[:enough], lengths[:enough]
    lengths[-1] -= lengths.sum() - count
    return who, lengths


def _next_items(
    world: World,
    who: np.ndarray,
    before: np.ndarray,
    cumulative: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    own = rng.random(len(who)) < OWN_TASTE
    taste = np.where(own, world.user_taste[who], rng.integers(0, TASTES, len(who)))
    drawn = np.searchsorted(cumulative, taste + rng.random(len(who)), side="right")
    drawn = np.minimum(drawn, len(cumulative) - 1)
    which = np.searchsorted(np.cumsum(SUCCESSORS)[:-1], rng.random(len(who)), side="right")
    follow = (before >= 0) & (rng.random(len(who)) < STEP)
    return np.where(follow, world.successors[before, which], drawn)


def chances(world: World, day: int, taste: int, before: int) -> np.ndarray:
    """The true probability of each item for the next event of a user with this taste and last item (-1: none).  # (I,)"""
    shares = world.shares(day // DRIFT_DAYS)
    drawn = shares * ((1 - OWN_TASTE) / TASTES + OWN_TASTE * (world.item_taste == taste))
    if before < 0:
        return drawn
    chance = (1 - STEP) * drawn
    np.add.at(chance, world.successors[before], STEP * SUCCESSORS)
    return chance


def best_ndcg(world: World, day: int, drawn: Drawn, events: int) -> np.ndarray:
    """Expected NDCG@10 of the best ranking for some events of a day.  # (events or fewer,)"""
    chosen = np.linspace(0, len(drawn.users) - 1, min(events, len(drawn.users))).astype(np.int64)
    gains = 1 / np.log2(np.arange(2, TOP + 2))
    best = []
    for user, before in zip(drawn.users[chosen], drawn.before[chosen], strict=True):
        chance = chances(world, day, int(world.user_taste[user]), int(before))
        best.append(np.sort(np.partition(chance, -TOP)[-TOP:])[::-1] @ gains)
    return np.array(best)
