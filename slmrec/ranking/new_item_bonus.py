"""What an item without a training event is worth beside known ones: one number, chosen on the validation targets.

Such an item has a title, so a model knows what it resembles, but not how often it will be wanted:
in training every candidate had events, and whatever looks rare scores low. How much new items are
wanted shows only after the training cut, and that is where the validation targets lie. A bonus on
all their scores leaves their order alone and costs nothing when serving.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.metrics import gains, user_means
from slmrec.ranking.ranks import leave_out, targets_by_input
from slmrec.ranking.scorers import Scorer

BONUSES = (
    torch.arange(49) / 4
)  # 0 to 12; scores are log-odds, and a quarter of one more or less changes hardly any list


def quality_by_bonus(
    scorer: Scorer, histories: Histories, targets: Targets, candidates: Tensor, new: Tensor
) -> np.ndarray:
    """NDCG@10, mean over users, with each of BONUSES on the items in `new` (I,) bool, of which no bonus is in the scores yet.  # (J,)"""
    ranks = ranks_by_bonus(scorer, histories, targets, candidates, new)  # (N, J)
    return np.array(
        [user_means(gains(column, "ndcg@10"), targets.row).mean() for column in ranks.T]
    )


def chosen_bonus(quality: np.ndarray, may_cost: float) -> int:
    """The place of the largest bonus that costs at most that share of the best quality.

    The best alone hardly shows new items: each is a guess, and a list is measured by what it hits
    today.
    """
    return int(np.flatnonzero(quality >= quality.max() * (1 - may_cost))[-1])


def ranks_by_bonus(
    scorer: Scorer, histories: Histories, targets: Targets, candidates: Tensor, new: Tensor
) -> np.ndarray:
    """The rank of each target with each of BONUSES, ties against the model, as `rank_targets` gives it.  # (N, J) int64"""
    ranks = np.empty((len(targets.row), len(BONUSES)), dtype=np.int64)
    for group, rows, stops, place in targets_by_input(histories, targets):
        scores = scorer.score(rows, stops)  # (b, I)
        lines = torch.from_numpy(place)
        wanted = torch.from_numpy(
            histories.items[histories.offsets[targets.row[group]] + targets.position[group]]
        )
        goals = scores[lines, wanted]  # (n,)
        leave_out(scores, histories, rows, stops, candidates)
        itself = (
            scores[lines, wanted] > -torch.inf
        ).long()  # counted among those that reach its score
        known, fresh = (_rising(scores[:, part])[lines] for part in (~new, new))
        ahead = BONUSES * new[wanted][:, None]  # (n, J) what the target itself gains
        # Differences first: a goal plus a bonus minus the same bonus is not the goal, and the
        # target would miss its own score.
        reached = _reaching(known, goals[:, None] + ahead) + _reaching(
            fresh, goals[:, None] + (ahead - BONUSES)
        )
        ranks[group] = (1 + reached - itself[:, None]).numpy()
    return ranks


def _rising(scores: Tensor) -> Tensor:
    return scores.sort(dim=1).values


def _reaching(rising: Tensor, goals: Tensor) -> Tensor:
    """How many of each row (n, M), rising, are at least as great as its goals (n, J).  # (n, J)"""
    return rising.shape[1] - torch.searchsorted(rising, goals.contiguous())
