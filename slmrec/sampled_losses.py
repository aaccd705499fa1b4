"""Losses against drawn negatives, for catalogues too large to score whole. Each is a mean over real positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.fused_scores import log_sum_of_scores, scores_at
from slmrec.losses import divergence


@dataclass(frozen=True)
class Drawn:
    """Distinct negatives that all positions of a batch share."""

    items: Tensor  # (U,) int64, ascending
    vectors: Tensor  # (U, E)
    times: Tensor  # (U,) how often each was drawn; K draws in all
    log_expected: Tensor  # (U,) log of how often each item is expected among the K draws

    def log_sum(self, vectors: Tensor, left_out: Tensor) -> Tensor:
        """log sum exp of user vectors' (N, E) scores, each draw's share divided by its expected count.  # (N,)

        Where an item is among the position's own `left_out` (N, M), it counts for nothing.
        """
        place = torch.searchsorted(self.items, left_out).clamp(max=len(self.items) - 1)  # (N, M)
        hit = self.items[place] == left_out
        return log_sum_of_scores(vectors, self.vectors, self.times.log() - self.log_expected, (hit.nonzero()[:, 0], place[hit]))


def sampled_softmax_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn) -> Tensor:
    """Cross-entropy of targets (N,) with vectors `positives` (N, E) against drawn negatives.

    Each negative's share is divided by its expected count (logQ, Bengio & Senecal 2008), so the sum over the drawn ones estimates
    the sum over all others without bias. The target is always there and is not corrected (arXiv 2507.09331).
    """
    own = (vectors * positives).sum(dim=1)  # (N,)
    return (torch.logaddexp(own, drawn.log_sum(vectors, targets[:, None])) - own).mean()


@dataclass(frozen=True)
class ImitatedItems:
    """A teacher's best K items at N positions, the logarithms of their shares of its full softmax, and the vectors of them all."""

    items: Tensor  # (N, K) int64
    logs: Tensor  # (N, K)
    vectors: Tensor  # (U, E), of the distinct ones among `items`
    places: Tensor  # (N, K) int64, where each stands in `vectors`


def imitating_sampled_softmax_loss(
    vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn, imitated: ImitatedItems
) -> tuple[Tensor, Tensor]:
    """`sampled_softmax_loss`, and the KL divergence from a teacher's shares to the student's, as in `imitating_softmax_loss`.

    Target and imitated items are counted in full and the drawn negatives stand for all others, so that the sum both terms divide by
    is estimated without bias, with less noise than from negatives alone.
    """
    own = (vectors * positives).sum(dim=1, keepdim=True)  # (N, 1)
    top = scores_at(vectors, imitated.vectors, imitated.places)  # (N, K)
    apart = top.masked_fill(imitated.items == targets[:, None], -torch.inf)  # the target is counted as itself
    counted = torch.cat([own, apart], dim=1).logsumexp(dim=1)  # (N,)
    others = drawn.log_sum(vectors, torch.cat([imitated.items, targets[:, None]], dim=1))  # (N,)
    total = torch.logaddexp(counted, others)[:, None]
    return (total - own).mean(), divergence(imitated.logs, top - total) / len(targets)


def gbce_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn, catalogue: int, calibration: float) -> Tensor:
    """Generalised binary cross-entropy (gSASRec, arXiv 2308.07192, equations 11 and 14), mean over the K + 1 terms of a position.

    With sampling rate a = K / (catalogue - 1), the target's probability is raised to b = 1 - t (1 - a).
    """
    draws = drawn.times.sum()
    rate = (draws / (catalogue - 1)).clamp(max=1.0)
    own = functional.logsigmoid((vectors * positives).sum(dim=1))  # (N,)
    scores = (vectors @ drawn.vectors.T).masked_fill(drawn.items == targets[:, None], -torch.inf)  # the target is no negative
    others = (functional.logsigmoid(-scores) * drawn.times).sum(dim=1)  # (N,)
    return -((1 - calibration * (1 - rate)) * own + others).mean() / (draws + 1)
