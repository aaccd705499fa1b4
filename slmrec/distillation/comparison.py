"""The student beside itself without distillation, on validation: which of them is the student."""

from __future__ import annotations

import numpy as np

from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.models.student_choice import StudentChoice
from slmrec.ranking.candidates import candidate_items
from slmrec.ranking.evidence import is_evident
from slmrec.ranking.metrics import gains, user_means
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import ModelScorer


def compare_students(
    distilled: SequenceModel, alone: SequenceModel, histories: Histories, fall_back: bool
) -> StudentChoice:
    """Rank all validation targets with both; with `fall_back` the better one may be the student.

    An ensemble that ranks no better than the student alone has nothing to teach it. What the curves
    say of both is the best of many epochs on a sample, and within chance of each other: it takes
    evidence over users to fall back.
    """
    with_it, without = (_quality_of_users(model, histories) for model in (distilled, alone))
    return StudentChoice(
        float(with_it.mean()),
        float(without.mean()),
        falls_back=fall_back and is_evident(without - with_it),
    )


def _quality_of_users(model: SequenceModel, histories: Histories) -> np.ndarray:
    """NDCG@10 of each user with a validation target.  # (U,)"""
    targets, items = histories.targets["valid"], model.item_embedding
    candidates = candidate_items(histories, len(items), items.described().cpu().numpy())
    ranks = rank_targets(ModelScorer(model, histories), histories, targets, candidates, None)
    return user_means(gains(ranks.full, "ndcg@10"), targets.row)
