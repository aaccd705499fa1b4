"""Measures of drift, with figures that can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmrec.params.validate import DriftParams
from slmrec.preprocessing.validation.drift import Shift, jensen_shannon, measure_drift
from tests.support.profiles import PROFILE

SHARES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.001, 1), min_size=1)


def by_definition(first: dict[str, float], second: dict[str, float]) -> float:
    """Jensen-Shannon distance in base 2, written out; what is not named is one class."""
    names = sorted({*first, *second})
    sides = []
    for shares in (first, second):
        named = [shares.get(name, 0.0) for name in names]
        sides.append(np.array([*named, max(1 - sum(named), 0.0)]))
    middle = (sides[0] + sides[1]) / 2
    divergence = 0.0
    for side in sides:
        present = side > 0
        divergence += float(np.sum(side[present] * np.log2(side[present] / middle[present]))) / 2
    return math.sqrt(max(divergence, 0.0))


def normalized(shares: dict[str, float], total: float) -> dict[str, float]:
    return {name: total * share / sum(shares.values()) for name, share in shares.items()}


def test_jensen_shannon_is_0_for_the_same_and_1_for_nothing_in_common() -> None:
    assert jensen_shannon({"a": 0.5, "b": 0.5}, {"b": 0.5, "a": 0.5}) == 0
    assert jensen_shannon({"a": 1.0}, {"b": 1.0}) == 1


def test_jensen_shannon_of_a_half_and_half() -> None:
    # a: 1 and 1/2, middle 3/4; b: 0 and 1/2, middle 1/4
    divergence = (math.log2(4 / 3) + (math.log2(2 / 3) + math.log2(2)) / 2) / 2
    distance = jensen_shannon({"a": 1.0}, {"a": 0.5, "b": 0.5})
    assert distance == pytest.approx(math.sqrt(divergence), abs=1e-12)


def test_what_is_not_named_is_one_class() -> None:
    # 1/2 is not named in either: the same class
    assert jensen_shannon({"a": 0.5}, {"a": 0.5}) == 0
    assert jensen_shannon({"a": 0.5}, {}) == jensen_shannon({"a": 0.5, "b": 0.5}, {"b": 1.0})


@given(SHARES, SHARES, st.floats(0.5, 1), st.floats(0.5, 1))
def test_jensen_shannon_is_what_its_definition_gives(
    first: dict[str, float], second: dict[str, float], named: float, also_named: float
) -> None:
    sides = normalized(first, named), normalized(second, also_named)
    expected = by_definition(*sides)
    # near 0 the root magnifies rounding of the divergence (1e-16) to 1e-8
    assert jensen_shannon(*sides) == pytest.approx(expected, abs=1e-12 if expected > 1e-3 else 1e-7)


def test_distributions_that_differ_by_rounding_alone_have_no_distance() -> None:
    # the divergence of many such pairs is a negative number of the size of rounding errors
    rng = np.random.default_rng(0)
    for _ in range(300):
        shares = rng.random(20)
        shares /= shares.sum() * 1.5
        others = shares * (1 + 1e-16 * rng.standard_normal(20))
        sides = [dict(enumerate(side.tolist())) for side in (shares, others)]
        named = [{str(name): share for name, share in side.items()} for side in sides]
        assert 0 <= jensen_shannon(*named) < 1e-7


def test_a_shift_is_within_what_is_allowed_up_to_the_limit() -> None:
    assert Shift("x", 0.3, 0.3).within and not Shift("x", 0.31, 0.3).within
    assert str(Shift("x", 0.31, 0.3)) == "x: 0.310, allowed 0.3"
    assert Shift("x", 0.31, 0.3).as_json() == {"name": "x", "found": 0.31, "allowed": 0.3}


def test_the_four_measures() -> None:
    p = DriftParams(
        action="warn",
        max_popularity_shift=0.1,
        max_length_shift=0.2,
        max_volume_ratio=3,
        max_new_popular_items=0.4,
    )
    now = replace(
        PROFILE,
        popularity={"a": 0.5, "b": 0.25, "c": 0.25},
        lengths=[1, 1, 2],
        days=[{"events": 10}, {"events": 30}],
    )
    before = {"popularity": {"a": 1.0}, "lengths": [4, 4, 0], "days": [{"events": 5}]}
    popularity, lengths, volume, new = measure_drift(now, before, p)
    assert popularity.value == jensen_shannon(now.popularity, {"a": 1.0})
    assert lengths.value == 1 - 1 / 2  # up to the second class: 2 of 4 now, all before
    assert volume.value == 20 / 5  # a mean of 20 events a day and of 5
    assert new.value == 2 / 3  # b and c of a, b and c
    assert [shift.allowed for shift in (popularity, lengths, volume, new)] == [0.1, 0.2, 3, 0.4]


def test_fewer_events_are_as_much_drift_as_more() -> None:
    p = DriftParams(
        action="warn",
        max_popularity_shift=1,
        max_length_shift=1,
        max_volume_ratio=3,
        max_new_popular_items=1,
    )
    before = PROFILE.as_json() | {"days": [{"events": 40}]}
    now = replace(PROFILE, days=[{"events": 10}])
    assert measure_drift(now, before, p)[2].value == 40 / 10
