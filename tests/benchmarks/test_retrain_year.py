"""The simulated year: what the next day's events ask, and what the rows come to."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from benchmarks.retrain_year import (
    DAILY,
    FROZEN,
    INCIDENTS,
    WEEKLY,
    Row,
    means_of_seven,
    ndcg,
    next_day,
    planned,
    summary,
)
from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle


def day(*events: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(events, schema=["user_id", "item_id"], orient="row")


def test_each_event_of_the_last_day_is_asked_from_what_its_user_did_before() -> None:
    days = [day(("u1", "a"), ("u2", "b")), day(("u1", "c"), ("u3", "d"), ("u1", "e"))]
    assert next_day(days) == ([["a"], ["a", "c"]], ["c", "e"])  # u3 has done nothing before


def test_quality_is_that_of_the_bundles_lists(tmp_path: Path) -> None:
    small_bundle = make_bundle(tmp_path / "bundle")
    lists = Recommender.load(small_bundle, "cpu", 1).recommend([["i5", "i9"]], 10)
    first, second = (entry.item for entry in lists[0][:2])
    assert ndcg(small_bundle, [["i5", "i9"]], [first]) == 1.0
    assert ndcg(small_bundle, [["i5", "i9"]] * 2, [second, "nowhere"]) == pytest.approx(
        0.5 / math.log2(3)
    )


def test_spoiled_days_come_before_the_day_itself() -> None:
    arrivals = planned(10)
    assert len(arrivals) == 10 + len(INCIDENTS)
    for place, incident in INCIDENTS.items():
        at = arrivals.index((place, incident))
        assert arrivals[at + 1] == (place, None)


def run(published: bool, seconds: float) -> Row:
    return {
        "published": published,
        "seconds": seconds,
        "processor_seconds": seconds / 2,
        "code": 0 if published else 4,
        "message": "m",
    }


def test_the_summary_leaves_the_first_trainings_out_of_the_seconds() -> None:
    quality = {FROZEN: 0.1, WEEKLY: 0.2, DAILY: 0.3}
    rows: list[Row] = [
        {DAILY: run(True, 100.0), WEEKLY: run(True, 100.0), "ndcg@10": quality},
        {"incident": INCIDENTS[3], DAILY: run(False, 5.0)},
        {DAILY: run(True, 10.0), "ndcg@10": {**quality, DAILY: 0.5}},
        {DAILY: run(False, 20.0), WEEKLY: run(True, 50.0), "ndcg@10": quality},
    ]
    made = summary(rows)
    assert made["daily_retrains"] == 3
    assert made["published"] == {WEEKLY: 1, DAILY: 1}
    assert made["mean_ndcg@10"] == {FROZEN: 0.1, WEEKLY: 0.2, DAILY: 0.3667}
    assert made["mean_seconds_of_a_retraining"][DAILY]["seconds"] == 15.0
    assert made["mean_seconds_of_a_retraining"][WEEKLY]["seconds"] == 50.0
    assert made["incidents"][INCIDENTS[3]] == {"published": False, "code": 4, "message": "m"}


def test_means_stand_at_the_last_of_seven_days() -> None:
    assert means_of_seven([1.0] * 7 + [8.0]) == [(7.0, 1.0), (8.0, 2.0)]
    assert means_of_seven([1.0] * 6) == []
