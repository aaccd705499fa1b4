"""Trends: what is wanted more in the newest events than before, and when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch

from slmrec.dataset.histories import Histories
from slmrec.neighbours.trend import DatedEvents, Trend, TrendScorer, choose_trend
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.ranks import rank_targets
from tests.support.histories import histories_of

ITEMS = 30
USERS = 40
CANDIDATES = candidate_mask(ITEMS, np.arange(2, ITEMS))


def fashion() -> Histories:
    """Users come one after the other; the last ones, and all targets, want items 2 and 3."""
    random = np.random.default_rng(5)
    sequences = []
    for user in range(USERS):
        wanted = [2, 3] if user >= USERS - 4 else random.integers(4, ITEMS, 6).tolist()
        sequences.append([*wanted, *[2, 3][user % 2 :], 2, 3][: len(wanted) + 2])
    by_end = histories_of(sequences, max_length=10)
    protocol = by_end.protocol.__class__("temporal", 10, exclude_seen=False)
    return replace(by_end, protocol=protocol)


HISTORIES = fashion()
TARGETS = HISTORIES.targets["valid"]
TARGETS_OF_LAST = np.flatnonzero(TARGETS.row >= USERS - 2)


class Indifferent:
    """A little noise, the same for every input."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        noise = np.random.default_rng(3).normal(size=ITEMS) / 100
        return torch.from_numpy(noise).float().repeat(len(rows), 1)


def test_it_compares_the_newest_events_with_all_of_them() -> None:
    # training events: 2, 3, 4, 2, 5, 2; the newest third holds 5 and 2
    histories = histories_of([[2, 3, 4, 9, 9], [2, 5, 2, 9, 9]], 10)
    trend = Trend(newest=1 / 3, smoothing=1.0, weight=0.5)
    added = trend.added(DatedEvents.of(histories, 10))
    assert added[2] == pytest.approx(0.5 * log((1 + 1) / (3 / 3 + 1)))
    assert added[5] == pytest.approx(0.5 * log((1 + 1) / (1 / 3 + 1)))
    assert added[4] == pytest.approx(0.5 * log((0 + 1) / (1 / 3 + 1)))
    assert added[9] == 0.0  # a target is no training event


def test_what_became_popular_is_found_and_its_quality_is_that_of_the_joined_scorer() -> None:
    trend, alone = choose_trend(Indifferent(), HISTORIES, TARGETS, CANDIDATES)
    assert trend is not None
    joined = TrendScorer(Indifferent(), trend.added(DatedEvents.of(HISTORIES, ITEMS)))
    ranks = rank_targets(joined, HISTORIES, TARGETS, CANDIDATES, None).full
    assert mean_ndcg10(ranks, TARGETS.row) > 2 * alone
    plain = rank_targets(Indifferent(), HISTORIES, TARGETS, CANDIDATES, None).full
    assert alone == mean_ndcg10(plain, TARGETS.row)


def test_targets_among_the_training_events_do_not_ask_for_a_trend() -> None:
    protocol = HISTORIES.protocol.__class__("leave_one_out", 10, exclude_seen=False)
    among = replace(HISTORIES, protocol=protocol)
    trend, alone = choose_trend(Indifferent(), among, TARGETS, CANDIDATES)
    assert trend is None
    assert alone == choose_trend(Indifferent(), HISTORIES, TARGETS, CANDIDATES)[1]


class KnowsTheTarget:
    """Nothing can be added."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        wanted = HISTORIES.items[HISTORIES.offsets[rows] + stops]
        scores = torch.zeros(len(rows), ITEMS)
        scores[torch.arange(len(rows)), torch.from_numpy(wanted)] = 100.0
        return scores


def test_where_no_trend_helps_there_is_none() -> None:
    assert choose_trend(KnowsTheTarget(), HISTORIES, TARGETS, CANDIDATES) == (None, 1.0)


class KnowsAllButTwo(KnowsTheTarget):
    """Has every user's target first but those of the last two users."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        scores = super().score(rows, stops)
        others = torch.from_numpy(rows >= USERS - 2)
        scores[others] = Indifferent().score(rows, stops)[others]
        return scores


def test_a_gain_of_two_users_in_forty_may_be_chance_and_is_left_out() -> None:
    # a gain of g for two of 40: mean .05 g, error g sqrt(.05 * .95 / 40) = .034 g, so 1.45 errors
    trend, alone = choose_trend(KnowsAllButTwo(), HISTORIES, TARGETS, CANDIDATES)
    assert trend is None
    assert 38 / 40 < alone < 1.0
    found = choose_trend(Indifferent(), HISTORIES, TARGETS.at(TARGETS_OF_LAST), CANDIDATES)[0]
    assert found is not None  # the same two users alone, so the gain itself is there
