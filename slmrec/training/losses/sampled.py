"""Losses against sampled negatives, for catalogues too large to score as a whole.

Each is a mean over N positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.training.losses.fused_scores import log_sum_exp_of_scores, scores_at
from slmrec.training.losses.softmax import kl_divergence


class NegativeColumns(NamedTuple):
    """Where items stand among the negatives of a batch."""

    columns: Tensor  # int64, meaningless where an item was not drawn
    drawn: Tensor  # bool


@dataclass(frozen=True)
class SampledNegatives:
    """Distinct negatives that all positions of a batch share; U of them, from K draws."""

    items: Tensor  # (U,) int64, ascending
    vectors: Tensor  # (U, E)
    counts: Tensor  # (U,) how often each was drawn
    log_expected: Tensor  # (U,) log of how often each is expected among the K draws

    def columns_of(self, items: Tensor) -> NegativeColumns:
        """Where `items` (any shape) stand among the negatives."""
        columns = torch.searchsorted(self.items, items).clamp(max=len(self.items) - 1)
        return NegativeColumns(columns, self.items[columns] == items)

    def log_sum_exp(self, vectors: Tensor, excluded: NegativeColumns) -> Tensor:
        """log sum exp of user vectors' (N, E) scores over the draws.  # (N,)

        The exponential of each draw's score is divided by its expected count. Where the items
        `excluded` (N, M) were drawn they count for nothing.
        """
        positions = (excluded.drawn.nonzero()[:, 0], excluded.columns[excluded.drawn])
        offsets = self.counts.log() - self.log_expected
        return log_sum_exp_of_scores(vectors, self.vectors, offsets, positions)


def sampled_softmax_loss(
    vectors: Tensor, positives: Tensor, targets: Tensor, negatives: SampledNegatives
) -> Tensor:
    """Cross-entropy of targets (N,) with vectors `positives` (N, E) against negatives.

    Each negative's exponential is divided by its expected count (logQ, Bengio & Senecal 2008), so
    the sum over the draws estimates the sum over all others without bias. The target is always
    there and is not corrected (arXiv 2507.09331).
    """
    target_scores = (vectors * positives).sum(dim=1)  # (N,)
    others = negatives.log_sum_exp(vectors, negatives.columns_of(targets[:, None]))  # (N,)
    return (torch.logaddexp(target_scores, others) - target_scores).mean()


@dataclass(frozen=True)
class SampledSoftTargets:
    """A teacher's best K items at N positions, U distinct ones in all, as `SoftTargets`."""

    distinct: Tensor  # (U,) int64
    vectors: Tensor  # (U, E)
    columns: Tensor  # (N, K) int64, where each stands among the distinct ones
    log_probs: Tensor  # (N, K)


def sampled_softmax_loss_with_soft_targets(
    vectors: Tensor,
    positives: Tensor,
    targets: Tensor,
    negatives: SampledNegatives,
    soft_targets: SampledSoftTargets,
) -> tuple[Tensor, Tensor]:
    """`sampled_softmax_loss`, and the KL divergence of `softmax_loss_with_soft_targets`.

    Target and soft targets are counted in full and the negatives stand for all others, so that the
    sum both terms divide by is estimated without bias, with less noise than from negatives alone.
    """
    target_scores = (vectors * positives).sum(dim=1, keepdim=True)  # (N, 1)
    top_scores = scores_at(vectors, soft_targets.vectors, soft_targets.columns)  # (N, K)
    is_target = soft_targets.distinct[soft_targets.columns] == targets[:, None]  # counted once
    in_full = torch.cat([target_scores, top_scores.masked_fill(is_target, -torch.inf)], dim=1)
    in_full = in_full.logsumexp(dim=1)  # (N,)
    others = negatives.log_sum_exp(vectors, _counted_in_full(targets, negatives, soft_targets))
    total = torch.logaddexp(in_full, others)[:, None]  # (N, 1)
    divergence = kl_divergence(soft_targets.log_probs, top_scores - total) / len(targets)
    return (total - target_scores).mean(), divergence


def _counted_in_full(
    targets: Tensor, negatives: SampledNegatives, soft_targets: SampledSoftTargets
) -> NegativeColumns:
    """Where soft targets and target of each position stand among the negatives.  # (N, K + 1)"""
    top_items = negatives.columns_of(soft_targets.distinct)  # (U,)
    target_columns, target_drawn = negatives.columns_of(targets[:, None])  # (N, 1)
    return NegativeColumns(
        torch.cat([top_items.columns[soft_targets.columns], target_columns], dim=1),
        torch.cat([top_items.drawn[soft_targets.columns], target_drawn], dim=1),
    )


def gbce_loss(
    vectors: Tensor,
    positives: Tensor,
    targets: Tensor,
    negatives: SampledNegatives,
    catalogue: int,
    calibration: float,
) -> Tensor:
    """Generalised binary cross-entropy, mean over the K + 1 terms of a position.

    With sampling rate a = K / (catalogue - 1), the target's probability is raised to b = 1 - t (1 -
    a) (gSASRec, arXiv 2308.07192, equations 11 and 14).
    """
    draws = negatives.counts.sum()
    rate = (draws / (catalogue - 1)).clamp(max=1.0)
    target_terms = functional.logsigmoid((vectors * positives).sum(dim=1))  # (N,)
    is_target = negatives.items == targets[:, None]  # (N, U): the target is no negative
    scores = (vectors @ negatives.vectors.T).masked_fill(is_target, -torch.inf)
    negative_terms = (functional.logsigmoid(-scores) * negatives.counts).sum(dim=1)  # (N,)
    power = 1 - calibration * (1 - rate)
    return -(power * target_terms + negative_terms).mean() / (draws + 1)
