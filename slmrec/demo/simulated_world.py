"""A world of users and items with known structure, and the events that are drawn from it.

Every item has a taste and a popularity that drifts through the year; part of the items appear
during it. A user prefers one taste. An event is either a step along a fixed item-to-item table or a
draw from the popularity of a taste on that day. So the probability of each next item is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from slmrec.core.errors import UsageError

FIRST_DAY, DAYS = date(2025, 1, 1), 365
DAY_SECONDS = 86_400
TASTES = 16
STEP = 0.5  # share of events that follow the item-to-item table, where the user has a last item
OWN_TASTE = 0.8  # share of the other events that come from the user's own taste
SUCCESSORS = np.array([0.4, 0.3, 0.2, 0.1])  # probabilities of an item's four next items
BORN_FIRST = 0.7  # share of items and of users that are there on the first day
TRUTH_DAYS = DAYS // 5  # the newest days, on which the best ranking is measured
LAST_BIRTH = DAYS - TRUTH_DAYS // 2  # new items appear in the truth's days too, but not to the end
DRIFT = 1.0  # of log popularity, up and down through the year
DRIFT_DAYS = 5  # popularity is constant for so many days
MEAN_SESSION, LONGEST_SESSION = 3, 12  # events
LONGEST_GAP = 600  # seconds within a session


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

    def next_item_probabilities(self, day: int, taste: int, last_item: int) -> np.ndarray:
        """The probability of each item as the next one after last_item (-1 for none).  # (I,)"""
        shares = self.shares(day // DRIFT_DAYS)
        drawn = shares * ((1 - OWN_TASTE) / TASTES + OWN_TASTE * (self.item_taste == taste))
        if last_item < 0:
            return drawn
        probabilities = (1 - STEP) * drawn
        np.add.at(probabilities, self.successors[last_item], STEP * SUCCESSORS)
        return probabilities


def make_world(users: int, events: int, seed: int) -> World:
    """Draw a world. The catalogue grows with the square root of the events."""
    rng = np.random.default_rng([seed, DAYS])
    items = max(20 * TASTES, round(5 * math.sqrt(events)))
    taste = np.sort(np.arange(items) % TASTES)
    born = _draw_births(items, LAST_BIRTH, rng)
    born[np.searchsorted(taste, np.arange(TASTES))] = 0  # no taste is ever empty
    user_born = np.sort(_draw_births(users, DAYS, rng))
    user_born[0] = 0
    return World(
        seed=seed,
        item_taste=taste,
        item_born=born,
        popularity=-np.log1p(rng.permutation(items) / TASTES),
        phase=rng.random(items),
        successors=_draw_successors(taste, born, rng),
        user_taste=rng.integers(0, TASTES, users),
        user_born=user_born,
        activity=np.cumsum(rng.lognormal(0, 1, users)),
    )


def _draw_births(count: int, stop: int, rng: np.random.Generator) -> np.ndarray:
    """Days of birth before the day `stop`.  # (count,)"""
    return np.where(rng.random(count) < BORN_FIRST, 0, rng.integers(1, stop, count))


def _draw_successors(taste: np.ndarray, born: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Four items of the same taste that are born no later than the item itself.  # (I, 4)"""
    successors = np.empty((len(taste), len(SUCCESSORS)), dtype=np.int64)
    for current in range(TASTES):
        members = np.flatnonzero(taste == current)
        members = members[np.argsort(born[members], kind="stable")]
        older = np.searchsorted(born[members], born[members], side="right")
        draws = rng.random((len(members), len(SUCCESSORS)))
        successors[members] = members[(draws * older[:, None]).astype(np.int64)]
    return successors


@dataclass(frozen=True)
class Sessions:
    """S sessions of a day."""

    users: np.ndarray  # (S,)
    lengths: np.ndarray  # (S,) events
    starts: np.ndarray  # (S,) seconds since 1970 UTC


@dataclass(frozen=True)
class DayEvents:
    """N events of a day in the order of time."""

    users: np.ndarray  # (N,)
    items: np.ndarray  # (N,)
    last_items: np.ndarray  # (N,) the user's item before the event, -1 for none
    seconds: np.ndarray  # (N,) since 1970 UTC


def draw_day(world: World, day: int, count: int, last_item: np.ndarray) -> DayEvents:
    """Draw `count` events of one day in sessions; a session ends within its day.

    last_item (U,) holds each user's newest item, -1 for none, and is updated in place. A small
    world has days without an event.
    """
    if count == 0:
        return DayEvents(*np.zeros((4, 0), dtype=np.int64))
    rng = np.random.default_rng([world.seed, day])
    users, lengths = _draw_sessions(world, day, count, rng)
    sessions = Sessions(users, lengths, _draw_starts(day, len(users), rng))
    cumulative = np.cumsum(world.shares(day // DRIFT_DAYS))  # rises by one for each taste
    return _by_time(list(_draw_steps(world, sessions, cumulative, last_item, rng)))


def _draw_steps(
    world: World,
    sessions: Sessions,
    cumulative: np.ndarray,
    last_item: np.ndarray,
    rng: np.random.Generator,
) -> Iterator[DayEvents]:
    """The first events of all sessions, then the second ones, and so on."""
    users, lengths, clock = sessions.users, sessions.lengths, sessions.starts
    for step in range(int(lengths.max(initial=0))):
        active = lengths > step
        users, lengths, clock = users[active], lengths[active], clock[active]
        before = last_item[users]
        last_item[users] = _draw_next_items(world, users, before, cumulative, rng)
        yield DayEvents(users, last_item[users], before, clock)
        clock = clock + _draw_gaps(len(users), rng)


def _draw_starts(day: int, sessions: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds since 1970 at which sessions start, so that the longest ends within the day."""
    latest = DAY_SECONDS - LONGEST_SESSION * LONGEST_GAP
    midnight = ((FIRST_DAY - date(1970, 1, 1)).days + day) * DAY_SECONDS
    return rng.integers(0, latest, sessions) + midnight


def _draw_gaps(events: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds between the events of a session: a minute in the mean, at least one.  # (events,)"""
    return 1 + np.minimum(rng.exponential(60, events).astype(np.int64), LONGEST_GAP - 1)


def _by_time(steps: list[DayEvents]) -> DayEvents:
    order = np.argsort(np.concatenate([step.seconds for step in steps]), kind="stable")
    return DayEvents(
        *(
            np.concatenate([getattr(step, name) for step in steps])[order]
            for name in ("users", "items", "last_items", "seconds")
        )
    )


def _draw_sessions(
    world: World, day: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Users that come on a day and lengths of their sessions, `count` events in all.

    Raises UsageError where all users together make fewer.
    """
    born = int(np.searchsorted(world.user_born, day, side="right"))
    users, lengths = np.empty((2, 0), dtype=np.int64)
    while lengths.sum() < count and len(users) < born:
        newcomers = _draw_newcomers(world, users, born, count // MEAN_SESSION + 1, rng)
        drawn = np.minimum(rng.geometric(1 / MEAN_SESSION, len(newcomers)), LONGEST_SESSION)
        users, lengths = np.append(users, newcomers), np.append(lengths, drawn)
    if lengths.sum() < count:
        raise UsageError(
            f"{born} users cannot make {count} events in a day ({int(lengths.sum())} at most); "
            "ask for more users"
        )
    sessions = int(np.searchsorted(np.cumsum(lengths), count)) + 1
    users, lengths = users[:sessions], lengths[:sessions]
    lengths[-1] -= lengths.sum() - count
    return users, lengths


def _draw_newcomers(
    world: World, present: np.ndarray, born: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Users drawn by their activity, without those that are `present`, in random order.

    A user comes at most once a day, so that sessions do not cross.
    """
    levels = rng.random(draws) * world.activity[born - 1]
    drawn = np.searchsorted(world.activity[:born], levels, side="right")
    newcomers = np.setdiff1d(drawn, present)
    if len(newcomers) * 20 < len(drawn):  # nearly all active users are present: take anyone
        newcomers = np.setdiff1d(np.arange(born), present)
    return rng.permutation(newcomers)


def _draw_next_items(
    world: World,
    users: np.ndarray,
    last_items: np.ndarray,
    cumulative: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """One item for each of `users`; `cumulative` (I,) are the day's shares, summed up."""
    own = rng.random(len(users)) < OWN_TASTE
    taste = np.where(own, world.user_taste[users], rng.integers(0, TASTES, len(users)))
    popular = np.searchsorted(cumulative, taste + rng.random(len(users)), side="right")
    popular = np.minimum(popular, len(cumulative) - 1)
    which = np.searchsorted(np.cumsum(SUCCESSORS)[:-1], rng.random(len(users)), side="right")
    steps = (last_items >= 0) & (rng.random(len(users)) < STEP)
    return np.where(steps, world.successors[last_items, which], popular)
