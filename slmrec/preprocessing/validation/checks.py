"""What the data must be, as a Great Expectations suite that people can read and sign off.

Whatever concerns single rows was counted by Polars over all of them; Great Expectations gets those
counts, one row a day, and samples of bounded size, so that it needs no more memory for many events
than for few.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.profile import Profile

RECENT_DAYS = 28  # before a day, whose median says what is usual for it


@dataclass(frozen=True)
class Check:
    """One sentence about the data, and the expectation that holds it to account."""

    table: str
    sentence: str
    expectation: str  # a class of great_expectations.expectations
    arguments: dict[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """What became of a check. `error` says that it could not be checked at all, which is not the data's fault."""

    sentence: str
    kept: bool
    found: str
    error: str | None


VIOLATIONS = {
    "out_of_order": "every event comes at or after the one before it",
    "wrong_month": "every event lies in the month its file names",
    "missing_values": "no event lacks a user, item, time or weight",
    "unknown_user": "every event's user is in the table of users",
    "unknown_item": "every event's item is in the table of items, and none is PAD or UNK",
    "bad_weight": "every weight is a number that is not negative",
    "repeated_users": "no user id is given two numbers",
    "repeated_items": "no item id is given two numbers",
    "user_index_gaps": "users are numbered without a gap",
    "item_index_gaps": "items are numbered without a gap, after PAD and UNK",
    "item_counts_wrong": "the table of items counts the events there are",
}


def checks_of(profile: Profile, p: ValidateParams) -> list[Check]:
    """All promises, in the order of the page."""
    made = [_between("facts", sentence, name, 0, 0) for name, sentence in VIOLATIONS.items()]
    made += [
        _between(
            "facts", f"there are at least {p.min_events} events", "events", p.min_events, None
        ),
        _between(
            "facts",
            f"half of the histories have at least {p.min_median_history} events",
            "median_history",
            p.min_median_history,
            None,
        ),
        _between(
            "facts",
            f"at most {p.max_single_event_users:.0%} of users have one event",
            "single_event_users",
            0,
            p.max_single_event_users,
        ),
        _between(
            "facts",
            f"at least {p.min_target_coverage:.0%} of the newest events have a history",
            "target_coverage",
            p.min_target_coverage,
            1,
        ),
        _between(
            "facts",
            f"no item has more than {p.max_top_item_share:.0%} of the events",
            "top_item_share",
            0,
            p.max_top_item_share,
        ),
        _between(
            "facts",
            f"at least {p.min_title_coverage:.0%} of events are of an item with a title",
            "title_coverage",
            p.min_title_coverage,
            1,
        ),
    ]
    if profile.new_item_share is not None:
        sentence = f"at most {p.max_new_item_share:.0%} of items are not in the previous index"
        made.append(_between("facts", sentence, "new_item_share", 0, p.max_new_item_share))
    unusual = f"on at least {1 - p.max_unusual_days:.0%} of days there are at most {p.max_volume_ratio:g} times the usual events"
    made += [
        Check(
            "days",
            unusual,
            "ExpectColumnValuesToBeBetween",
            {"column": "ratio", "max_value": p.max_volume_ratio, "mostly": 1 - p.max_unusual_days},
        ),
        Check("days", "days follow each other", "ExpectColumnValuesToBeUnique", {"column": "day"}),
        Check(
            "users",
            "user ids have the form they should",
            "ExpectColumnValuesToMatchRegex",
            {"column": "user", "regex": p.user_pattern},
        ),
        Check(
            "items",
            "item ids have the form they should",
            "ExpectColumnValuesToMatchRegex",
            {"column": "item", "regex": p.item_pattern},
        ),
        Check(
            "items",
            "no item was seen in the future",
            "ExpectColumnValuesToBeBetween",
            {"column": "first_us", "max_value": _last_us(profile)},
        ),
    ]
    return made


def _between(
    table: str, sentence: str, column: str, least: float | None, most: float | None
) -> Check:
    limits = {
        name: value
        for name, value in (("min_value", least), ("max_value", most))
        if value is not None
    }
    return Check(table, sentence, "ExpectColumnValuesToBeBetween", {"column": column, **limits})


def _last_us(profile: Profile) -> int:
    return int(
        pl.Series([profile.last_time])
        .str.to_datetime(time_unit="us", time_zone="UTC")
        .dt.epoch("us")[0]
    )


def evidence(profile: Profile, events: Path, p: ValidateParams) -> dict[str, pl.DataFrame]:
    """The bounded tables that Great Expectations gets."""
    facts = {
        name: value for name, value in asdict(profile).items() if isinstance(value, int | float)
    }
    users = pl.scan_parquet(events / "users.parquet").select("user")
    items = pl.scan_parquet(events / "items.parquet").select(
        "item", first_us=pl.col("first_time").dt.epoch("us")
    )
    return {
        "facts": pl.DataFrame([facts | asdict(profile.violations)]),
        "days": pl.DataFrame(profile.days).with_columns(
            ratio=pl.Series(usual_ratio([day["events"] for day in profile.days]))
        ),
        "users": _sample(users, p.sample),
        "items": _sample(items, p.sample),
    }


def _sample(table: pl.LazyFrame, size: int) -> pl.DataFrame:
    """Every n-th row, so that the sample spreads over all and is the same on every run."""
    rows = table.select(pl.len()).collect().item()
    return table.gather_every(max(-(-rows // size), 1)).collect(engine="streaming")


def usual_ratio(events: list[int]) -> list[float]:
    """Events of each day by the median of the days before it; 1 where no day came before.  # (days,)"""
    ratios = []
    for place, count in enumerate(events):
        recent = events[max(place - RECENT_DAYS, 0) : place]
        usual = float(np.median(recent)) if recent else float(count)
        ratios.append(count / max(usual, 1.0))
    return ratios


def run_checks(made: list[Check], tables: dict[str, pl.DataFrame]) -> list[CheckResult]:
    """Hold the promises against the evidence with Great Expectations, in the order they were made."""
    os.environ["GX_ANALYTICS_ENABLED"] = (
        "false"  # read when it is imported; a pipeline tells nobody about its data
    )
    import great_expectations as gx
    from great_expectations import expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("evidence")
    found: dict[int, Any] = {}
    for name, table in tables.items():
        mine = [(number, check) for number, check in enumerate(made) if check.table == name]
        suite = context.suites.add(gx.ExpectationSuite(name=name))
        for number, check in mine:
            kind: Callable[..., Any] = getattr(expectations, check.expectation)
            suite.add_expectation(kind(**check.arguments, meta={"number": number}))
        batch = (
            source.add_dataframe_asset(name)
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": table.to_pandas()})
        )
        for result in batch.validate(suite, result_format="SUMMARY").results:
            found[result.expectation_config.meta["number"]] = result
    return [result_of(check, found[number], tables[check.table]) for number, check in enumerate(made)]


def result_of(check: Check, result: Any, table: pl.DataFrame) -> CheckResult:
    """Read one result of Great Expectations; a metric that failed to compute also says success=False there."""
    error = _error(result.exception_info)
    if error is not None:
        return CheckResult(check.sentence, False, "could not be checked", error)
    if check.table == "facts":
        column = check.arguments["column"]
        said = _say(table[column][0]) + (" rows do not" if column in VIOLATIONS else "")
        return CheckResult(check.sentence, bool(result.success), said, None)
    counts = result.result
    said = f"{counts['unexpected_count']} of {counts['element_count']} {check.table} do not"
    examples = counts["partial_unexpected_list"][:3]
    said += (
        f", such as {', '.join(f'{value:.4g}' if isinstance(value, float) else repr(value) for value in examples)}"
        if examples
        else ""
    )
    return CheckResult(check.sentence, bool(result.success), said, None)


def _say(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _error(information: dict[str, Any]) -> str | None:
    # One flat record, or one for each metric, named by its id.
    records = [information] if "raised_exception" in information else list(information.values())
    for record in records:
        if record.get("raised_exception"):
            return " ".join(str(record.get("exception_message")).split())
    return None
