"""What the logs are like as a whole: the figures that settings are sized by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from slmrec.init.log_reader import EventRows

DAY_US = 86_400_000_000
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.98)
NOT_TRAINED, LATE = 0.3, 0.2  # newest shares of events: after split's cuts
USUAL_DAYS = 28  # before a day, whose median says what is usual for it, as validate has it
BUSY = 10  # times the usual number of events, which validate calls unusual


@dataclass(frozen=True)
class LogStatistics:
    """Figures of the logs; shares are of events unless they say otherwise."""

    events: int
    users: int
    items: int  # with events
    read_share: float  # of the logs that the figures come from
    bad_share: float  # of rows that are no events
    lengths: tuple[int, ...]  # of histories, at QUANTILES
    single_event_users: float  # of users
    repeats: float  # whose user had the item before
    ties: float  # at the same time as another event of their user
    top_item: float
    lifespan_days: float  # median of users, from first to last event
    late_users_known: float  # of the newest fifth: whose user has an event among the oldest 70%
    late_with_history: float  # of the newest fifth: whose user has a strictly earlier event
    busiest_day: float  # by the median of the days before it
    unusual_days: float  # of days that are BUSY
    listed: float  # whose item the catalogue lists
    titled: float  # whose item has a title

    @property
    def events_per_item(self) -> float:
        return self.events / max(self.items, 1)

    def length(self, quantile: float) -> int:
        """Length that a share of the histories do not exceed."""
        return self.lengths[QUANTILES.index(quantile)]


def measure(rows: EventRows, catalogue: pl.DataFrame | None) -> LogStatistics:
    """Count everything once over the events; `catalogue` has the columns item and titled."""
    events = rows.events.sort("user", "us", "sequence")
    total = len(events)
    by_user = events.group_by("user").agg(
        length=pl.len(), first=pl.col("us").min(), last=pl.col("us").max()
    )
    lengths = by_user["length"]
    listed, titled = _known_shares(events, catalogue)
    known, with_history = _late_shares(events, by_user)
    busiest, unusual = _day_figures(events)
    quantiles = [lengths.quantile(share, "nearest") or 0 for share in QUANTILES]
    lifespan = (by_user["last"] - by_user["first"]).median()
    return LogStatistics(
        events=round(total / rows.share),
        users=len(by_user),
        items=events["item"].n_unique(),
        read_share=rows.share,
        bad_share=rows.bad / max(total + rows.bad, 1),
        lengths=tuple(int(length) for length in quantiles),
        single_event_users=_share(int((lengths == 1).sum()), len(by_user)),
        repeats=1 - _share(events.select(pl.struct("user", "item").n_unique()).item(), total),
        ties=_share(
            int(events.select(pl.struct("user", "us").is_duplicated()).sum().item()), total
        ),
        top_item=_share(events.group_by("item").len()["len"].sort().tail(1).sum(), total),
        lifespan_days=float(lifespan or 0) / DAY_US,  # type: ignore[arg-type]
        late_users_known=known,
        late_with_history=with_history,
        busiest_day=busiest,
        unusual_days=unusual,
        listed=listed,
        titled=titled,
    )


def _share(part: Any, total: int) -> float:
    return float(part) / max(total, 1)


def _known_shares(events: pl.DataFrame, catalogue: pl.DataFrame | None) -> tuple[float, float]:
    if catalogue is None:
        return 0.0, 0.0
    joined = events.select("item").join(catalogue, on="item", how="left")["titled"]
    return _share(joined.is_not_null().sum(), len(events)), _share(joined.sum(), len(events))


def _late_shares(events: pl.DataFrame, by_user: pl.DataFrame) -> tuple[float, float]:
    """Of the newest fifth of the events, how many can be predicted from something."""
    if events.is_empty():
        return 0.0, 0.0
    times = events["us"].sort()
    training_end, late_from = _cut(times, NOT_TRAINED), _cut(times, LATE)
    late = events.filter(pl.col("us") >= late_from).join(by_user, on="user")
    known = int((late["first"] < training_end).sum())
    return _share(known, len(late)), _share(int((late["first"] < late["us"]).sum()), len(late))


def _cut(times: pl.Series, newest: float) -> int:
    """The time from which on the newest share of events lies, as split finds it."""
    return int(times[min(len(times) - round(newest * len(times)), len(times) - 1)])


def _day_figures(events: pl.DataFrame) -> tuple[float, float]:
    """The busiest day by what was usual before it, and the share of days that are unusual."""
    days = events.group_by(pl.col("us") // DAY_US).len().sort("us")["len"].cast(pl.Float64)
    if len(days) < 2:
        return 1.0, 0.0
    usual = days.shift(1).rolling_median(USUAL_DAYS, min_samples=1).fill_null(days[0])
    ratio = days / usual.clip(1)
    busiest = float(ratio.max() or 1.0)  # type: ignore[arg-type]
    return busiest, _share(int((ratio > BUSY).sum()), len(days))
