"""Intervals over test users and seeds together: both are drawn again, and differences paired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

TAIL = 0.025  # on each side of a 95% interval
# Of the users' noise in the seeds' means, what is taken out. All of it: intervals of three seeds
# hold the truth in .91 of cases at worst; nothing: in .98, and they are far too wide.
NOISE_OUT = 0.5

PerSeed = Mapping[int, np.ndarray]  # a model's figure of each test user (U,), by seed


def seed_interval(per_seed: np.ndarray, user_weights: np.ndarray, seed: int) -> list[float]:
    """95% interval of the mean of `per_seed` (S, U) over test users and over seeds.

    A hierarchical bootstrap: each resample draws seeds and users with replacement, the same users
    for all seeds, since they are the same people. `user_weights` (draws, U) are those of
    bootstrap_weights; `seed` draws the seeds. With one seed it is the interval over users.
    """
    of_users = user_weights @ per_seed.mean(axis=0)  # (draws,)
    deviations = seed_deviations(per_seed)  # (S,)
    random = np.random.default_rng(seed)
    counts = random.multinomial(
        len(deviations), np.full(len(deviations), 1 / len(deviations)), size=len(user_weights)
    )
    of_seeds = counts @ deviations / len(deviations)  # (draws,)
    low, high = np.quantile(of_users + of_seeds, (TAIL, 1 - TAIL))
    return [float(low), float(high)]


def seed_deviations(per_seed: np.ndarray) -> np.ndarray:
    """How far each seed's mean lies from that of all, as resamples are to add it.  # (S,)

    Plain resamples of three seeds give intervals that hold the truth in 3 of 4 cases where seeds
    differ, and ones half as wide again as needed where they do not. So part of what the users'
    noise explains is taken out, and the rest is stretched.
    """
    means = per_seed.mean(axis=1)
    return (means - means.mean()) * np.sqrt(share_of_seeds(per_seed)) * stretch(len(means))


def share_of_seeds(per_seed: np.ndarray) -> float:
    """The part of the variance of the seeds' means that is counted as theirs, 0 to 1.

    The rest is their users' noise, which the users' resamples hold already: 1/F of the two-way
    analysis of variance, users by seeds with one value a cell, times NOISE_OUT.
    """
    seeds, users = per_seed.shape
    if seeds == 1:
        return 0.0
    seed_means, user_means = per_seed.mean(axis=1), per_seed.mean(axis=0)
    residuals = per_seed - seed_means[:, None] - user_means + per_seed.mean()  # (S, U)
    noise = float(np.square(residuals).sum()) / ((seeds - 1) * max(users - 1, 1))
    between = users * float(seed_means.var(ddof=1))
    return 1 - NOISE_OUT * noise / between if between > NOISE_OUT * noise else 0.0


def stretch(seeds: int) -> float:
    """What resamples of so few are multiplied by, so that 95% of normal samples' intervals hold.

    sqrt(n / (n - 1)) because resamples spread around the sample's mean, not the true one, and
    Student's t for the normal quantile (Hesterberg 2015, "What teachers should know about the
    bootstrap", the expanded percentile interval). 2.69 for 3 seeds, 1.58 for 5, 1.22 for 10.
    """
    if seeds == 1:
        return 0.0  # nothing is known of how seeds differ
    quantile: float = stdtrit(seeds - 1, 1 - TAIL) / ndtri(1 - TAIL)
    return quantile * float(np.sqrt(seeds / (seeds - 1)))


def report_of_seeds(per_seed: PerSeed, user_weights: np.ndarray, seed: int) -> dict[str, Any]:
    """A figure's mean, its value of each seed, how many seeds, and the combined interval."""
    stacked = np.stack(list(per_seed.values()))  # (S, U)
    return {
        "mean": float(stacked.mean()),
        "by_seed": {str(number): float(values.mean()) for number, values in per_seed.items()},
        "seeds": len(per_seed),
        "ci95": seed_interval(stacked, user_weights, seed),
    }


def paired_seed_reports(
    models: Mapping[str, PerSeed],
    pairs: Mapping[str, tuple[str, str]],
    user_weights: np.ndarray,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """report_of_seeds of each pair's difference, over the seeds that both models have.

    A model that has no seed is given under every seed. Pairs without a common seed are left out.
    """
    measured = {name: pair for name, pair in pairs.items() if set(pair) <= set(models)}
    differences = {
        name: _differences(models[left], models[right]) for name, (left, right) in measured.items()
    }
    return {
        name: report_of_seeds(per_seed, user_weights, seed)
        for name, per_seed in differences.items()
        if per_seed
    }


def _differences(left: PerSeed, right: PerSeed) -> dict[int, np.ndarray]:
    return {number: values - right[number] for number, values in left.items() if number in right}
