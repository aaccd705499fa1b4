"""The rank of each target among all items, for anything that can score a history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.candidates import mask_excluded
from slmrec.ranking.inputs import batches_by_input
from slmrec.ranking.metrics import NEVER_LISTED
from slmrec.ranking.scorers import Scorer

LIST_LENGTH = 10  # of the lists that coverage counts


@dataclass(frozen=True)
class Ranks:
    """The ranks of N targets, 1 being the best, and which items were recommended at all."""

    full: np.ndarray  # (N,) int64, among all candidates
    sampled: np.ndarray | None  # (N,) int64, among the stored negatives, where there are any
    recommended: np.ndarray  # (any,) int64, items that stand in the top ten of at least one input


def rank_targets(
    scorer: Scorer,
    histories: Histories,
    targets: Targets,
    candidates: Tensor,
    negatives: np.ndarray | None,
) -> Ranks:
    """Rank each target among all candidate items, ties against the model.

    candidates (I,) bool; items of the input are left out where the protocol says so, as they are
    where the model is served. A target among them is never recommended and gets NEVER_LISTED.
    negatives (U, M), by row of `histories` and padded with PAD, add the paper's sampled protocol.
    """
    full = np.empty(len(targets.row), dtype=np.int64)
    sampled = np.empty_like(full) if negatives is not None else None
    recommended = np.zeros(len(candidates), dtype=bool)
    for batch in batches_by_input(histories, targets):
        scores = scorer.score(batch.rows, batch.stops)  # (B, I)
        lines, items = batch.input_of_target, batch.target_items
        target_scores = _target_scores(scores, lines, items)  # (n,)
        mask_excluded(scores, histories, batch.rows, batch.stops, candidates)
        listed = scores[lines, items] > -torch.inf  # (n,)
        # A target that is not masked is counted among the items that reach its score.
        ranks = _ranks(target_scores, scores[lines]) - 1
        full[batch.targets] = torch.where(listed, ranks, NEVER_LISTED).numpy()
        if sampled is not None and negatives is not None:
            drawn = torch.from_numpy(negatives[targets.row[batch.targets]].astype(np.int64))
            rivals = scores[lines[:, None], drawn]  # (n, M); PAD is masked
            ranks = _ranks(target_scores, rivals)
            sampled[batch.targets] = torch.where(listed, ranks, NEVER_LISTED).numpy()
        recommended[_recommended(scores).numpy()] = True
    return Ranks(full, sampled, np.flatnonzero(recommended))


def _target_scores(scores: Tensor, lines: Tensor, items: Tensor) -> Tensor:
    """Scores of the targets (n,); a NaN, here and in `scores`, is made to count against the model.

    The target gets the least score and every other item the greatest.
    """
    target_scores = scores[lines, items].nan_to_num(nan=-torch.inf)
    scores.nan_to_num_(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return target_scores.clamp(min=torch.finfo(scores.dtype).min)  # above masked items


def _ranks(target_scores: Tensor, rival_scores: Tensor) -> Tensor:
    """Rank of each target (n,) among its rivals (n, M).  # (n,)"""
    # Ties count against the model: one that gives all items the same score must come last.
    return 1 + (rival_scores >= target_scores[:, None]).sum(dim=1)


def _recommended(scores: Tensor) -> Tensor:
    """Items that stand in a list of ten; lists are shorter where fewer items are left."""
    best = torch.topk(scores, min(LIST_LENGTH, scores.shape[1]), dim=1)
    return best.indices[best.values > -torch.inf].unique()
