"""Measures hold against arithmetic that a reader can check."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from slmrec.evaluation.bootstrap import bootstrap_weights, interval, paired
from slmrec.ranking.metrics import gains, means, user_means


def test_gains_follow_their_definitions():
    ranks = np.array([1, 2, 5, 6, 11])
    assert gains(ranks, "hr@5").tolist() == [1, 1, 1, 0, 0]
    assert gains(ranks, "ndcg@5") == pytest.approx([1 / log2(2), 1 / log2(3), 1 / log2(6), 0, 0])
    assert gains(ranks, "mrr") == pytest.approx([1, 1 / 2, 1 / 5, 1 / 6, 1 / 11])


def test_a_user_with_many_targets_weighs_as_much_as_one_with_a_single_target():
    ranks, users = np.array([1, 1, 1, 20]), np.array([7, 7, 7, 9])
    assert means(ranks, users, ("hr@10",)) == {"hr@10": (1 + 0) / 2}


def test_user_means_do_not_depend_on_the_order_of_targets():
    values, users = np.array([1.0, 0.0, 0.5, 0.25]), np.array([3, 1, 3, 2])
    order = np.array([2, 0, 3, 1])
    assert (
        user_means(values, users).tolist()
        == user_means(values[order], users[order]).tolist()
        == [0.0, 0.25, 0.75]
    )


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(size=2000)
    low, high = interval(values, bootstrap_weights(2000, 2000, seed=3))
    standard_error = values.std() / np.sqrt(2000)
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)
    assert low < values.mean() < high


def test_a_paired_interval_sees_a_small_steady_difference_that_single_intervals_hide():
    noise = np.random.default_rng(2).random(500)
    weights = bootstrap_weights(500, 2000, seed=3)
    better = {"a": noise + 0.01, "b": noise}
    low, high = paired(better, {"a-b": ("a", "b")}, weights)["a-b"]
    assert 0 < low <= high < 0.011
    assert interval(better["a"], weights)[0] < interval(better["b"], weights)[1]
