"""What a served log says of a version: hits by day, unknown items, exposure, lists in common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from slmrec.registry.comparison import Opened, overlap
from slmrec.registry.recorded import LIST_LENGTH
from slmrec.registry.served_log import CLICKED, HISTORY, ITEMS, TIME, USER

NORMAL_95 = 1.96  # half a 95% interval, in standard deviations


@dataclass(frozen=True)
class Expected:
    """What the gate measured when the version was published, through its graph."""

    rate: float  # HR@10, the mean over users
    users: int

    def between(self, users: int) -> tuple[float, float]:
        """Where the rate of so many other users lies in 19 of 20 days, if nothing has changed.

        Both means are off by chance. A user's mean of hits varies by no more than p(1-p), so the
        interval is rather too wide than too narrow.
        """
        spread = math.sqrt(self.rate * (1 - self.rate) * (1 / self.users + 1 / users))
        return max(0.0, self.rate - NORMAL_95 * spread), min(1.0, self.rate + NORMAL_95 * spread)


@dataclass(frozen=True)
class Day:
    """The lists of a day, UTC."""

    day: date
    lists: int
    followed: int  # lists after which the user chose something
    users: int  # of those
    hit_rate: float | None  # mean over users: share of followed lists that hold what was chosen
    low: float | None  # of the expected interval; None where nobody chose anything
    high: float | None
    judged: bool  # whether the users are enough

    @property
    def below(self) -> bool:
        """Whether it is judged, and worse than expected."""
        return self.judged and self.hit_rate is not None and self.hit_rate < (self.low or 0.0)


def days_of(served: pl.DataFrame, expected: Expected, min_users: int) -> list[Day]:
    """One for each day that has lists, in order; judged from `min_users` on."""
    hit = pl.col(ITEMS).list.head(LIST_LENGTH).list.contains(pl.col(CLICKED))
    marked = served.with_columns(
        day=pl.col(TIME).dt.date(), hit=pl.when(pl.col(CLICKED).is_not_null()).then(hit)
    )
    users = marked.group_by("day", USER).agg(
        lists=pl.len(), followed=pl.col("hit").count(), rate=pl.col("hit").mean()
    )
    by_day = users.group_by("day").agg(
        pl.col("lists").sum(),
        pl.col("followed").sum(),
        users=pl.col("rate").count(),
        rate=pl.col("rate").mean(),
    )
    days = []
    for day, lists, followed, number, rate in by_day.sort("day").iter_rows():
        low, high = expected.between(number) if number else (None, None)
        judged = number >= max(1, min_users)
        days.append(Day(day, lists, followed, number, rate, low, high, judged))
    return days


def unknown_share(served: pl.DataFrame, known: Collection[str]) -> float | None:
    """Share of the ids in histories and clicks that the version does not know; None without any."""
    named = pl.concat([served[HISTORY].explode(), served[CLICKED]]).drop_nulls()
    if named.is_empty():
        return None
    return 1 - float(named.is_in(list(known)).mean())  # type: ignore[arg-type]


def shown_items(served: pl.DataFrame) -> Counter[str]:
    """How often each item was shown."""
    counts = served[ITEMS].explode().drop_nulls().value_counts()
    return Counter(dict(counts.iter_rows()))


def common_share(served: pl.DataFrame, opened: Opened, most: int) -> tuple[int, float | None]:
    """How much of the ten first items another bundle would show after the same histories.

    Of the `most` newest lists that have a history. Returns how many those are, and the mean share;
    None where there is none.
    """
    newest = served.filter(pl.col(HISTORY).list.len() > 0).tail(most)
    pairs = zip(newest[ITEMS].to_list(), opened.lists(newest[HISTORY].to_list()), strict=True)
    shares = [overlap(old[:LIST_LENGTH], new) for old, new in pairs]
    return len(shares), sum(shares) / len(shares) if shares else None
