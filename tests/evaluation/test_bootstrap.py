"""Bootstrap intervals are as wide as theory says, and pair users across models."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.evaluation.bootstrap import bootstrap_weights, interval, paired_intervals


def test_each_resample_draws_as_many_users_as_there_are_and_its_shares_sum_to_one() -> None:
    weights = bootstrap_weights(50, 20, seed=3)
    assert weights.shape == (20, 50)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (weights * 50).round().sum(axis=1).tolist() == [50] * 20


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    low, high = interval(values, bootstrap_weights(2000, 2000, seed=3))
    standard_error = values.std() / np.sqrt(2000)
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)
    assert low < values.mean() < high


def test_a_paired_interval_sees_a_small_steady_difference_that_single_intervals_hide() -> None:
    noise = np.random.default_rng(2).random(500)
    weights = bootstrap_weights(500, 2000, seed=3)
    models = {"a": noise + 0.01, "b": noise}
    low, high = paired_intervals(models, {"a-b": ("a", "b")}, weights)["a-b"]
    assert 0 < low <= high < 0.011
    assert interval(models["a"], weights)[0] < interval(models["b"], weights)[1]
