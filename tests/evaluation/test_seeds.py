"""Intervals over users and seeds hold the truth as often as they say, whatever varies."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.evaluation.bootstrap import bootstrap_weights, interval
from slmrec.evaluation.seeds import (
    paired_seed_reports,
    report_of_seeds,
    seed_deviations,
    seed_interval,
    share_of_seeds,
    stretch,
)

USERS, DRAWS = 100, 300
WEIGHTS = bootstrap_weights(USERS, DRAWS, seed=3)
Spread = tuple[float, float, float]  # of seeds, of users, of a user in one seed


def drawn(random: np.random.Generator, seeds: int, spread: Spread) -> np.ndarray:
    """Figures (S, U) around 0."""
    of_seeds, of_users, noise = spread
    return (
        of_seeds * random.normal(size=(seeds, 1))
        + of_users * random.normal(size=(1, USERS))
        + noise * random.normal(size=(seeds, USERS))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_one_seed_it_is_the_interval_over_users_to_the_last_digit(seed: int) -> None:
    values = np.random.default_rng(seed).random(USERS)
    assert seed_interval(values[None], WEIGHTS, seed=9) == interval(values, WEIGHTS)


def test_seeds_that_do_not_differ_leave_the_interval_over_users() -> None:
    values = np.random.default_rng(1).random(USERS)
    same = np.stack([values] * 5)
    assert seed_interval(same, WEIGHTS, seed=9) == pytest.approx(interval(values, WEIGHTS))


def test_users_that_do_not_differ_leave_the_seeds() -> None:
    """Each resample draws seeds with means 1 and 3: 1 or 3 a quarter of the time each, else 2."""
    values = np.array([[1.0] * USERS, [3.0] * USERS])
    assert share_of_seeds(values) == 1
    # 12.71 / 1.96 * sqrt(2 / 1), Student's t of one degree of freedom by the normal quantile
    assert stretch(2) == pytest.approx(12.7062 / 1.95996 * np.sqrt(2), rel=1e-5)
    assert seed_deviations(values) == pytest.approx([-stretch(2), stretch(2)])
    low, high = seed_interval(values, WEIGHTS, seed=9)
    assert (low, high) == pytest.approx((2 - stretch(2), 2 + stretch(2)), rel=1e-6)


def test_what_the_noise_of_users_explains_is_no_difference_of_seeds() -> None:
    values = np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 4.0, 2.0]])
    # Means of seeds 1 and 2, of users .5, .5, 3, 2, of all 1.5; what is left: (0, 0, -.5, .5) and
    # (0, 0, .5, -.5), so the noise is 4 * .25 / (1 * 3) and between seeds there is 4 * .5.
    assert share_of_seeds(values) == pytest.approx(1 - 0.5 * (1 / 3) / 2)  # half of it
    assert share_of_seeds(np.array([[0.0, 1.0], [1.0, 0.0]])) == 0  # the same mean: noise alone


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    "spread",
    [(1.0, 1.0, 1.0), (0.0, 1.0, 0.5), (0.0, 0.3, 1.0), (0.1, 0.3, 1.0), (0.25, 0.3, 1.0)],
)
def test_95_of_100_intervals_hold_the_truth(seeds: int, spread: Spread) -> None:
    random = np.random.default_rng(7)
    held = []
    for number in range(600):
        low, high = seed_interval(drawn(random, seeds, spread), WEIGHTS, number)
        held.append(low <= 0 <= high)
    # Three standard errors of 600 trials are .03; plain resamples of three seeds hold it in .74 of
    # the first spread's cases.
    assert 0.92 <= np.mean(held) <= 0.985


def test_more_seeds_make_the_interval_narrower_where_users_vary_from_seed_to_seed() -> None:
    random = np.random.default_rng(7)
    widths = {
        seeds: np.mean(
            [
                np.diff(seed_interval(drawn(random, seeds, (0, 0.3, 1)), WEIGHTS, number))
                for number in range(40)
            ]
        )
        for seeds in (1, 5, 10)
    }
    assert widths[10] < widths[5] < widths[1]


def test_a_report_has_the_mean_each_seed_how_many_and_the_interval() -> None:
    per_seed = {1: np.full(USERS, 0.2), 4: np.full(USERS, 0.4)}
    report = report_of_seeds(per_seed, WEIGHTS, seed=9)
    assert report["mean"] == pytest.approx((0.2 + 0.4) / 2)
    assert report["by_seed"] == {"1": pytest.approx(0.2), "4": pytest.approx(0.4)}
    assert report["seeds"] == 2
    low, high = report["ci95"]
    assert low < report["mean"] < high


def test_differences_are_paired_over_users_and_over_the_seeds_that_both_have() -> None:
    random = np.random.default_rng(1)
    hard = random.random(USERS)  # to recommend for, whichever model and seed
    models = {
        "a": {seed: hard + 0.1 * seed + 0.02 for seed in (1, 2, 3)},
        "b": {seed: hard + 0.1 * seed for seed in (2, 3, 4)},
        "c": {9: hard},
    }
    pairs = {"a-b": ("a", "b"), "a-c": ("a", "c"), "a-unmeasured": ("a", "d")}
    reports = paired_seed_reports(models, pairs, WEIGHTS, seed=9)
    assert set(reports) == {"a-b"}  # a and c have no seed in common
    assert reports["a-b"]["seeds"] == 2
    assert reports["a-b"]["by_seed"] == {"2": pytest.approx(0.02), "3": pytest.approx(0.02)}
    # Seeds lie .1 apart and users further, yet the difference is the same in each.
    assert reports["a-b"]["ci95"] == pytest.approx([0.02, 0.02])


def test_the_same_figures_give_the_same_interval() -> None:
    values = drawn(np.random.default_rng(1), 5, (1, 1, 1))
    assert seed_interval(values, WEIGHTS, 4) == seed_interval(values, WEIGHTS, 4)
    assert seed_interval(values, WEIGHTS, 4) != seed_interval(values, WEIGHTS, 5)
