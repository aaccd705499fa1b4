"""Two runs agree when scores lie within a tolerance and lists differ in near-ties alone."""

from __future__ import annotations

import numpy as np

from slmrec.core.vocabulary import PAD
from slmrec.runtime.comparison import (
    Agreement,
    TopK,
    compare,
    expected_scores_of,
    score_difference,
)

TIE = 0.01  # of the spread


def agreement(expected: TopK, actual: TopK, spread: float) -> Agreement:
    expected_scores = expected_scores_of(actual.items, expected)
    return compare(expected, actual, expected_scores, np.array([spread]), TIE)


def one_list(items: list[int], scores: list[float]) -> TopK:
    return TopK(np.array([items]), np.array([scores]))


def test_differences_are_shares_of_the_spread() -> None:
    result = agreement(one_list([2, 3], [4.0, 2.0]), one_list([2, 3], [4.5, 2.0]), spread=2.0)
    assert result.max_difference.tolist() == [0.5 / 2.0]
    assert (result.identical.tolist(), result.near_ties.tolist()) == ([True], [False])


def test_a_spread_of_zero_leaves_differences_as_they_are() -> None:
    result = agreement(one_list([2], [4.0]), one_list([2], [4.5]), spread=0.0)
    assert result.max_difference.tolist() == [0.5]


def test_tied_items_that_changed_places_are_near_ties_and_not_identical() -> None:
    # 4.0 and 3.99 are 0.01 / 2 = 0.005 of the spread apart, less than a tie's 0.01.
    result = agreement(one_list([2, 3], [4.0, 3.99]), one_list([3, 2], [4.0, 3.99]), spread=2.0)
    assert (result.identical.tolist(), result.near_ties.tolist()) == ([False], [True])


def test_items_further_apart_that_changed_places_are_neither() -> None:
    # 4.0 and 3.9 are 0.1 / 2 = 0.05 of the spread apart.
    result = agreement(one_list([2, 3], [4.0, 3.9]), one_list([3, 2], [4.0, 3.9]), spread=2.0)
    assert (result.identical.tolist(), result.near_ties.tolist()) == ([False], [False])


def test_two_scores_of_minus_infinity_do_not_differ_and_one_does() -> None:
    left, right = np.array([-np.inf, -np.inf, 1.0]), np.array([-np.inf, 0.0, np.nan])
    assert score_difference(left, right).tolist() == [0.0, np.inf, np.inf]


def test_an_item_outside_the_expected_list_counts_as_its_end_and_padding_as_nothing() -> None:
    expected = one_list([2, 3], [4.0, 1.5])
    assert expected_scores_of(np.array([[3, 9, PAD]]), expected).tolist() == [[1.5, 1.5, -np.inf]]
