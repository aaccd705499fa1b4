"""Figures of a served log, with their arithmetic in sight."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from slmrec.registry.comparison import Opened
from slmrec.registry.observed import Expected, common_share, days_of, shown_items, unknown_share
from slmrec.registry.served_log import TABLE
from tests.support.registries import bundle_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def served(*rows: tuple[str, float, list[str], str | None, list[str] | None]) -> pl.DataFrame:
    """Lists at a time in days after START."""
    moved = [(user, START + timedelta(days=at), *rest) for user, at, *rest in rows]
    return pl.DataFrame(moved, schema=TABLE, orient="row")


def test_a_days_hit_rate_is_the_mean_over_its_users() -> None:
    log = served(
        ("u1", 0.1, ["a", "b"], "b", None),
        ("u1", 0.2, ["a", "b"], "x", None),
        ("u1", 0.3, ["a", "b"], None, None),  # nothing was chosen: no miss
        ("u2", 0.4, ["a"], "a", None),
        ("u3", 1.5, ["a"], None, None),
    )
    first, second = days_of(log, Expected(0.5, 100), min_users=2)
    assert (first.lists, first.followed, first.users, first.judged) == (4, 3, 2, True)
    assert first.hit_rate == (1 / 2 + 1) / 2
    assert (second.lists, second.followed, second.hit_rate) == (1, 0, None)
    assert second.low is None and not second.judged and not second.below


def test_only_the_first_ten_places_count_as_in_the_gate() -> None:
    items = [str(number) for number in range(12)]
    log = served(("u1", 0, items, "9", None), ("u2", 0, items, "10", None))
    (day,) = days_of(log, Expected(0.5, 100), min_users=1)
    assert day.hit_rate == 0.5


def test_the_expected_interval_is_wide_for_few_users_and_a_day_below_it_is_told() -> None:
    expected = Expected(0.2, 400)
    low, high = expected.between(100)
    half = 1.96 * math.sqrt(0.2 * 0.8 * (1 / 400 + 1 / 100))
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half))
    assert expected.between(1)[0] == 0
    log = served(*[(f"u{user}", 0, ["a"], "a" if user < 10 else "b", None) for user in range(100)])
    (day,) = days_of(log, expected, min_users=1)
    assert day.hit_rate == 0.1 < low and day.below
    (day,) = days_of(log, expected, min_users=101)
    assert not day.below  # not judged


def test_unknown_items_are_counted_in_histories_and_clicks() -> None:
    log = served(("u1", 0, ["a"], "new", ["a", "b"]), ("u2", 0, ["a"], None, None))
    assert unknown_share(log, {"a", "b"}) == pytest.approx(1 / 3)
    assert unknown_share(served(("u1", 0, ["a"], None, None)), {"a"}) is None


def test_exposure_counts_places() -> None:
    log = served(("u1", 0, ["a", "b"], None, None), ("u2", 0, ["a"], None, None))
    assert shown_items(log) == Counter(a=2, b=1)


def test_a_bundle_has_all_in_common_with_its_own_lists_and_less_with_others(
    tmp_path: Path,
) -> None:
    own = Opened.of("1.0.0", _bundle(tmp_path / "own"))
    other = Opened.of("1.0.1", _bundle(tmp_path / "other", 3.0))
    histories = [["i5", "i9"], ["i3", "i4"], ["i20"]]
    lists = own.lists(histories)
    rows = [("u", day, lists[day], None, histories[day]) for day in range(3)]
    log = served(*rows, ("v", 0, ["i5"], None, None))  # without a history: not compared
    assert common_share(log, own, 1000) == (3, 1.0)
    assert common_share(log, own, 2) == (2, 1.0)
    shares = [
        len({*mine} & {*theirs}) / 10
        for mine, theirs in zip(lists, other.lists(histories), strict=True)
    ]
    assert common_share(log, other, 1000) == (3, pytest.approx(sum(shares) / 3))
    assert common_share(log.tail(0), own, 5) == (0, None)


def _bundle(folder: Path, noise: float = 0.0) -> Path:
    bundle_of(folder, noise)
    return folder
