"""Losses against drawn negatives, for catalogues too large to score whole. Each is a mean over real positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.training.losses.fused_scores import log_sum_of_scores, scores_at
from slmrec.training.losses.softmax import kl_divergence


class Found(NamedTuple):
    """Items looked for among the drawn ones."""

    columns: Tensor  # int64, meaningless where an item was not drawn
    drawn: Tensor  # bool


@dataclass(frozen=True)
class Drawn:
    """Distinct negatives that all positions of a batch share."""

    items: Tensor  # (U,) int64, ascending
    vectors: Tensor  # (U, E)
    times: Tensor  # (U,) how often each was drawn; K draws in all
    log_expected: Tensor  # (U,) log of how often each item is expected among the K draws

    def find(self, items: Tensor) -> Found:
        """Where `items` (any shape) stand among the drawn ones."""
        columns = torch.searchsorted(self.items, items).clamp(max=len(self.items) - 1)
        return Found(columns, self.items[columns] == items)

    def log_sum(self, vectors: Tensor, left_out: Found) -> Tensor:
        """log sum exp of user vectors' (N, E) scores, each draw's share divided by its expected count.  # (N,)

        What was found for a position, `left_out` (N, M), counts for nothing.
        """
        places = (left_out.drawn.nonzero()[:, 0], left_out.columns[left_out.drawn])
        return log_sum_of_scores(
            vectors, self.vectors, self.times.log() - self.log_expected, places
        )


def sampled_softmax_loss(
    vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn
) -> Tensor:
    """Cross-entropy of targets (N,) with vectors `positives` (N, E) against drawn negatives.

    Each negative's share is divided by its expected count (logQ, Bengio & Senecal 2008), so the sum
    over the drawn ones estimates the sum over all others without bias. The target is always there
    and is not corrected (arXiv 2507.09331).
    """
    own = (vectors * positives).sum(dim=1)  # (N,)
    return (torch.logaddexp(own, drawn.log_sum(vectors, drawn.find(targets[:, None]))) - own).mean()


@dataclass(frozen=True)
class SampledSoftTargets:
    """A teacher's best K items at N positions, U distinct ones in all, and the logarithms of their probabilities of its full softmax."""

    distinct: Tensor  # (U,) int64
    vectors: Tensor  # (U, E)
    places: Tensor  # (N, K) int64, where each stands among the distinct ones
    log_probs: Tensor  # (N, K)


def sampled_softmax_loss_with_soft_targets(
    vectors: Tensor,
    positives: Tensor,
    targets: Tensor,
    drawn: Drawn,
    soft_targets: SampledSoftTargets,
) -> tuple[Tensor, Tensor]:
    """`sampled_softmax_loss`, and the KL divergence from a teacher's probabilities to the student's, as in `softmax_loss_with_soft_targets`.

    Target and soft_targets items are counted in full and the drawn negatives stand for all others, so
    that the sum both terms divide by is estimated without bias, with less noise than from negatives
    alone.
    """
    own = (vectors * positives).sum(dim=1, keepdim=True)  # (N, 1)
    top = scores_at(vectors, soft_targets.vectors, soft_targets.places)  # (N, K)
    apart = top.masked_fill(
        soft_targets.distinct[soft_targets.places] == targets[:, None], -torch.inf
    )  # the target is counted as itself
    counted = torch.cat([own, apart], dim=1).logsumexp(dim=1)  # (N,)
    theirs, own_places = drawn.find(soft_targets.distinct), drawn.find(targets[:, None])
    counted_in_full = Found(
        *(
            torch.cat([of[soft_targets.places], at], dim=1)
            for of, at in zip(theirs, own_places, strict=True)
        )
    )  # (N, K + 1)
    others = drawn.log_sum(vectors, counted_in_full)  # (N,)
    total = torch.logaddexp(counted, others)[:, None]
    return (total - own).mean(), kl_divergence(soft_targets.log_probs, top - total) / len(targets)


def gbce_loss(
    vectors: Tensor,
    positives: Tensor,
    targets: Tensor,
    drawn: Drawn,
    catalogue: int,
    calibration: float,
) -> Tensor:
    """Generalised binary cross-entropy (gSASRec, arXiv 2308.07192, equations 11 and 14), mean over the K + 1 terms of a position.

    With sampling rate a = K / (catalogue - 1), the target's probability is raised to b = 1 - t (1 -
    a).
    """
    draws = drawn.times.sum()
    rate = (draws / (catalogue - 1)).clamp(max=1.0)
    own = functional.logsigmoid((vectors * positives).sum(dim=1))  # (N,)
    scores = (vectors @ drawn.vectors.T).masked_fill(
        drawn.items == targets[:, None], -torch.inf
    )  # the target is no negative
    others = (functional.logsigmoid(-scores) * drawn.times).sum(dim=1)  # (N,)
    return -((1 - calibration * (1 - rate)) * own + others).mean() / (draws + 1)
