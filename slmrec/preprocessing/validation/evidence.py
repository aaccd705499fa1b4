"""The tables that checks are run on: small, however many events there are.

What concerns single rows was counted by Polars over all of them; Great Expectations gets those
counts, one row a day, and samples of bounded size.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.new_days import RECENT_DAYS
from slmrec.preprocessing.validation.profile import Profile


def collect_evidence(
    profile: Profile, events_dir: Path, p: ValidateParams
) -> dict[str, pl.DataFrame]:
    """The tables facts, days, users and items, and new_days where there are any."""
    days = pl.DataFrame(profile.days)
    ratio = pl.Series(usual_ratio(days["events"].to_list()), dtype=pl.Float64)
    users = pl.scan_parquet(events_dir / "users.parquet").select("user")
    items = pl.scan_parquet(events_dir / "items.parquet")
    items = items.select("item", first_us=pl.col("first_time").dt.epoch("us"))
    tables = {
        "facts": pl.DataFrame([facts_of(profile)]),
        "days": days.with_columns(ratio=ratio),
        "users": _sample(users, p.sample),
        "items": _sample(items, p.sample),
    }
    return tables | ({"new_days": pl.DataFrame(profile.new_days)} if profile.new_days else {})


def facts_of(profile: Profile) -> dict[str, Any]:
    """Counts and shares of the profile that this version of the data has, and its violations."""
    numbers = {
        name: value for name, value in vars(profile).items() if isinstance(value, int | float)
    }
    return numbers | asdict(profile.violations)


def _sample(table: pl.LazyFrame, size: int) -> pl.DataFrame:
    """Every n-th row, so that the sample spreads over all and is the same on every run."""
    rows = table.select(pl.len()).collect().item()
    return table.gather_every(max(-(-rows // size), 1)).collect(engine="streaming")


def usual_ratio(events: list[int]) -> list[float]:
    """Events of each day by the median of the days before it; 1 where no day came before."""
    ratios = []
    for place, count in enumerate(events):
        recent = events[max(place - RECENT_DAYS, 0) : place]
        usual = float(np.median(recent)) if recent else float(count)
        ratios.append(count / max(usual, 1.0))
    return ratios  # (days,)
