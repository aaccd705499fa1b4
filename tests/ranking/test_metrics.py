"""Metrics hold against arithmetic that a reader can check."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from slmrec.ranking.metrics import NEVER_LISTED, gains, mean_ndcg10, means, user_means


def test_gains_follow_their_definitions() -> None:
    ranks = np.array([1, 2, 5, 6, 11])
    assert gains(ranks, "hr@5").tolist() == [1, 1, 1, 0, 0]
    assert gains(ranks, "ndcg@5") == pytest.approx([1 / log2(2), 1 / log2(3), 1 / log2(6), 0, 0])
    assert gains(ranks, "mrr") == pytest.approx([1, 1 / 2, 1 / 5, 1 / 6, 1 / 11])


def test_a_target_that_is_never_listed_is_worth_nothing() -> None:
    ranks = np.array([NEVER_LISTED, 1])
    for metric in ("hr@10", "ndcg@10", "mrr"):
        assert gains(ranks, metric).tolist() == [0, 1]


def test_a_user_with_many_targets_weighs_as_much_as_one_with_a_single_target() -> None:
    ranks, users = np.array([1, 1, 1, 20]), np.array([7, 7, 7, 9])
    assert means(ranks, users, ("hr@10",)) == {"hr@10": (1 + 0) / 2}


def test_user_means_do_not_depend_on_the_order_of_targets() -> None:
    values, users = np.array([1.0, 0.0, 0.5, 0.25]), np.array([3, 1, 3, 2])
    order = np.array([2, 0, 3, 1])
    assert user_means(values, users).tolist() == [0.0, 0.25, (1 + 0.5) / 2]
    assert user_means(values[order], users[order]).tolist() == [0.0, 0.25, 0.75]


def test_the_figure_that_training_goes_by_is_ndcg_of_ten() -> None:
    ranks, users = np.array([1, 3, 11]), np.array([1, 1, 2])
    expected = ((1 / log2(2) + 1 / log2(4)) / 2 + 0) / 2
    assert mean_ndcg10(ranks, users) == pytest.approx(expected)
