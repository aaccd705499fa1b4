"""Items without a training event: their bonus changes only their standing, and is chosen well."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from slmrec.dataset.histories import Protocol
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.new_item_bonus import BONUSES, choose_bonus, quality_by_bonus, ranks_by_bonus
from slmrec.ranking.ranks import rank_targets
from tests.support.histories import histories_of

ITEMS = 12
NEW = torch.arange(ITEMS) >= 9  # items 9, 10, 11
HISTORIES = histories_of([[2, 3, 9, 4], [5, 4, 10, 2], [2, 6, 3, 11], [7, 8, 4, 5]], max_length=3)
CANDIDATES = candidate_mask(ITEMS, np.arange(2, ITEMS))
WITHOUT_BONUS = torch.zeros(ITEMS)


class RandomScorer:
    """Random scores of every input, some of them tied, plus a bonus on some items."""

    def __init__(self, bonus: torch.Tensor) -> None:
        self.bonus = bonus  # (I,)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        random = np.random.default_rng([*rows, *stops])
        # Thirds, which floating point cannot hold exactly.
        thirds = torch.from_numpy(random.integers(-8, 8, (len(rows), ITEMS)) / 3).float()
        return thirds + self.bonus


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("part", ["valid", "test"])
def test_ranks_are_those_of_full_ranking_with_the_bonus_added(
    part: Literal["valid", "test"], exclude_seen: bool
) -> None:
    histories = replace(HISTORIES, protocol=Protocol("leave_one_out", 3, exclude_seen=exclude_seen))
    targets = histories.targets[part]
    ranks = ranks_by_bonus(RandomScorer(WITHOUT_BONUS), histories, targets, CANDIDATES, NEW)
    for place, bonus in enumerate(BONUSES):
        scorer = RandomScorer(bonus * NEW)
        expected = rank_targets(scorer, histories, targets, CANDIDATES, None).full
        assert ranks[:, place].tolist() == expected.tolist()


def test_quality_is_the_ndcg_of_the_ranks_with_each_bonus() -> None:
    targets = HISTORIES.targets["valid"]
    arguments = (RandomScorer(WITHOUT_BONUS), HISTORIES, targets, CANDIDATES, NEW)
    quality, ranks = quality_by_bonus(*arguments), ranks_by_bonus(*arguments)
    assert quality.shape == BONUSES.shape
    assert quality[-1] == mean_ndcg10(ranks[:, -1], targets.row)
    assert quality[-1] != quality[0]


def test_the_bonus_is_the_largest_that_costs_no_more_than_allowed() -> None:
    quality = np.array([0.98, 1.0, 0.995, 0.95, 0.96, 0.2])
    assert [choose_bonus(quality, cost) for cost in (0.0, 0.01, 0.05)] == [1, 2, 4]
