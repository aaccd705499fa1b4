"""What is added to the scores of items without a training event: one number, chosen on validation.

Such an item has a title, so a model knows what it resembles, but not how often it will be wanted:
every candidate seen in training had events, and items that look rare score low. How much new items
are wanted shows only after the training cut, where the validation targets lie. One bonus on all
their scores keeps their order among themselves and costs nothing when serving.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.candidates import mask_excluded
from slmrec.ranking.inputs import InputBatch, batches_by_input
from slmrec.ranking.metrics import NEVER_LISTED, mean_ndcg10
from slmrec.ranking.scorers import Scorer

# 0 to 12. Scores are log-odds: a step of a quarter changes hardly any list.
BONUSES = torch.arange(49) / 4  # (J,)


def quality_by_bonus(
    scorer: Scorer, histories: Histories, targets: Targets, candidates: Tensor, new: Tensor
) -> np.ndarray:
    """NDCG@10, mean over users, with each of BONUSES added to the items in `new`.  # (J,)

    candidates and new are (I,) bool; the scores must not hold a bonus yet.
    """
    ranks = ranks_by_bonus(scorer, histories, targets, candidates, new)  # (N, J)
    return np.array([mean_ndcg10(column, targets.row) for column in ranks.T])


def choose_bonus(quality: np.ndarray, may_cost: float) -> int:
    """Which of BONUSES to take: the largest that costs at most this share of the best quality (J,).

    The best one alone would hardly show new items: recommending one is a guess, and NDCG measures
    hits on today's targets.
    """
    return int(np.flatnonzero(quality >= quality.max() * (1 - may_cost))[-1])


def ranks_by_bonus(
    scorer: Scorer, histories: Histories, targets: Targets, candidates: Tensor, new: Tensor
) -> np.ndarray:
    """Ranks of `rank_targets` with each of BONUSES added to the items in `new`.  # (N, J) int64"""
    ranks = np.empty((len(targets.row), len(BONUSES)), dtype=np.int64)
    for batch in batches_by_input(histories, targets):
        scores = scorer.score(batch.rows, batch.stops)  # (B, I)
        target_scores = scores[batch.input_of_target, batch.target_items]  # (n,)
        mask_excluded(scores, histories, batch.rows, batch.stops, candidates)
        ranks[batch.targets] = _ranks(scores, target_scores, batch, new).numpy()
    return ranks


def _ranks(scores: Tensor, target_scores: Tensor, batch: InputBatch, new: Tensor) -> Tensor:
    """Ranks of a batch's targets among the masked scores (B, I), for each bonus.  # (n, J)"""
    lines, items = batch.input_of_target, batch.target_items
    listed = scores[lines, items] > -torch.inf  # (n,)
    known_scores = scores[:, ~new].sort(dim=1).values[lines]
    new_scores = scores[:, new].sort(dim=1).values[lines]
    own_bonus = BONUSES * new[items][:, None]  # (n, J)
    # The difference of bonuses comes first: in floating point a score plus a bonus minus the same
    # bonus is not the score, and a target would not reach its own.
    reaching = _count_reaching(known_scores, target_scores[:, None] + own_bonus)
    reaching += _count_reaching(new_scores, target_scores[:, None] + (own_bonus - BONUSES))
    # A target that is not masked is counted among the items that reach its score.
    return torch.where(listed[:, None], reaching, NEVER_LISTED)


def _count_reaching(rising_scores: Tensor, thresholds: Tensor) -> Tensor:
    """How many scores of each row (n, M), rising, are at least the thresholds (n, J).  # (n, J)"""
    return rising_scores.shape[1] - torch.searchsorted(rising_scores, thresholds.contiguous())
