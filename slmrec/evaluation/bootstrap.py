"""Intervals by bootstrap over users, for one model and for paired differences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def bootstrap_weights(users: int, draws: int, seed: int) -> np.ndarray:
    """Each user's share of each resample of all users.  # (draws, users) float32, rows sum to 1

    All models share them, so that differences between models are paired over users.
    """
    random = np.random.default_rng(seed)
    counts = random.multinomial(users, np.full(users, 1 / users), size=draws)
    return (counts / users).astype(np.float32)


def interval(per_user: np.ndarray, weights: np.ndarray) -> list[float]:
    """95% percentile bootstrap interval of the mean of `per_user` (U,) under `weights`."""
    low, high = np.quantile(weights @ per_user, (0.025, 0.975))
    return [float(low), float(high)]


def paired_intervals(
    per_user: Mapping[str, np.ndarray], pairs: Mapping[str, tuple[str, str]], weights: np.ndarray
) -> dict[str, list[float]]:
    """95% intervals of the mean difference between two models, paired over users."""
    return {
        name: interval(per_user[left] - per_user[right], weights)
        for name, (left, right) in pairs.items()
    }
