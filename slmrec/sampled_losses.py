"""Losses against drawn negatives, for catalogues too large to score whole. Each is a mean over real positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.losses import divergence


@dataclass(frozen=True)
class Drawn:
    """Negatives that all positions of a batch share."""

    items: Tensor  # (K,) int64
    vectors: Tensor  # (K, E)
    log_expected: Tensor  # (K,) log of how often each item is expected among the K draws

    def corrected(self, vectors: Tensor, left_out: Tensor) -> Tensor:
        """Scores of user vectors (N, E), each negative's share divided by its expected count; `left_out` (N, K) bool counts for nothing."""
        return torch.addmm(-self.log_expected, vectors, self.vectors.T).masked_fill(left_out, -torch.inf)

    def scores(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Scores of user vectors (N, E) against the negatives; a negative that is the target itself is no negative.  # (N, K)"""
        return (vectors @ self.vectors.T).masked_fill(self.items == targets[:, None], -torch.inf)


def sampled_softmax_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn) -> Tensor:
    """Cross-entropy of targets (N,) with vectors `positives` (N, E) against drawn negatives.

    Each negative's share is divided by its expected count (logQ, Bengio & Senecal 2008), so the sum over the drawn ones estimates
    the sum over all others without bias. The target is always there and is not corrected (arXiv 2507.09331).
    """
    own = (vectors * positives).sum(dim=1)  # (N,)
    others = drawn.corrected(vectors, drawn.items == targets[:, None])  # (N, K)
    return (torch.logaddexp(own, others.logsumexp(dim=1)) - own).mean()  # joined last: no copy of all scores is made


@dataclass(frozen=True)
class ImitatedItems:
    """A teacher's best K items at N positions, their vectors, and the logarithms of their shares of its full softmax."""

    items: Tensor  # (N, K) int64
    vectors: Tensor  # (N, K, E)
    logs: Tensor  # (N, K)


def imitating_sampled_softmax_loss(
    vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn, imitated: ImitatedItems
) -> tuple[Tensor, Tensor]:
    """`sampled_softmax_loss`, and the KL divergence from a teacher's shares to the student's, as in `imitating_softmax_loss`.

    Target and imitated items are counted in full and the drawn negatives stand for all others, so that the sum both terms divide by
    is estimated without bias, with less noise than from negatives alone.
    """
    own = (vectors * positives).sum(dim=1, keepdim=True)  # (N, 1)
    top = (imitated.vectors @ vectors[:, :, None])[:, :, 0]  # (N, K)
    apart = top.masked_fill(imitated.items == targets[:, None], -torch.inf)  # the target is counted as itself
    counted = torch.cat([own, apart], dim=1).logsumexp(dim=1, keepdim=True)  # (N, 1)
    others = drawn.corrected(vectors, _among(drawn.items, torch.cat([imitated.items, targets[:, None]], dim=1)))  # (N, M)
    total = torch.logaddexp(counted, others.logsumexp(dim=1, keepdim=True))  # (N, 1)
    logs = top - total
    return (total - own).mean(), divergence(imitated.logs, logs) / len(targets)


def _among(drawn: Tensor, items: Tensor) -> Tensor:
    """Which of the drawn items (M,) are among each position's own (N, K).  # (N, M) bool"""
    distinct, place = drawn.unique(return_inverse=True)  # (U,), (M,)
    found = torch.searchsorted(distinct, items.contiguous()).clamp(max=len(distinct) - 1)  # (N, K)
    hit = torch.zeros(len(items), len(distinct) + 1, dtype=torch.bool, device=items.device)
    hit.scatter_(1, torch.where(distinct[found] == items, found, len(distinct)), True)  # the last column takes what was not drawn
    return hit[:, place]


def gbce_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn, catalogue: int, calibration: float) -> Tensor:
    """Generalised binary cross-entropy (gSASRec, arXiv 2308.07192, equations 11 and 14), mean over the K + 1 terms of a position.

    With sampling rate a = K / (catalogue - 1), the target's probability is raised to b = 1 - t (1 - a).
    """
    rate = min(len(drawn.items) / (catalogue - 1), 1.0)
    own = functional.logsigmoid((vectors * positives).sum(dim=1))  # (N,)
    others = functional.logsigmoid(-drawn.scores(vectors, targets)).sum(dim=1)  # (N,)
    return -((1 - calibration * (1 - rate)) * own + others).mean() / (len(drawn.items) + 1)
