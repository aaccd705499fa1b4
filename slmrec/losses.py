"""Losses over the item table. Each returns a mean over real positions; sums are formed where they are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(vectors: Tensor, table: Tensor, targets: Tensor, scores_at_once: int) -> Tensor:
    """Full-softmax cross-entropy of user vectors (N, E) against candidate vectors (C, E); targets (N,) are rows of C.

    At most `scores_at_once` scores exist at a time (one position's at least), so memory does not grow with positions x
    catalogue: gradients are formed chunk by chunk in the forward pass (as in Liger kernels, arXiv 2410.10989).
    """
    return _FusedSoftmax.apply(vectors, table, targets, max(scores_at_once // len(table), 1))


@dataclass(frozen=True)
class Drawn:
    """Negatives that all positions of a batch share."""

    items: Tensor  # (K,) int64
    vectors: Tensor  # (K, E)
    log_expected: Tensor  # (K,) log of how often each item is expected among the K draws

    def scores(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Scores of user vectors (N, E) against the negatives; a negative that is the target itself is no negative.  # (N, K)"""
        return (vectors @ self.vectors.T).masked_fill(self.items == targets[:, None], -torch.inf)


def sampled_softmax_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn) -> Tensor:
    """Cross-entropy of targets (N,) with vectors `positives` (N, E) against drawn negatives.

    Each negative's share is divided by its expected count (logQ, Bengio & Senecal 2008), so the sum over the drawn ones estimates
    the sum over all others without bias. The target is always there and is not corrected (arXiv 2507.09331).
    """
    own = (vectors * positives).sum(dim=1, keepdim=True)  # (N, 1)
    others = drawn.scores(vectors, targets) - drawn.log_expected  # (N, K)
    return (torch.cat([own, others], dim=1).logsumexp(dim=1) - own[:, 0]).mean()


def gbce_loss(vectors: Tensor, positives: Tensor, targets: Tensor, drawn: Drawn, catalogue: int, calibration: float) -> Tensor:
    """Generalised binary cross-entropy (gSASRec, arXiv 2308.07192, equations 11 and 14), mean over the K + 1 terms of a position.

    With sampling rate a = K / (catalogue - 1), the target's probability is raised to b = 1 - t (1 - a).
    """
    rate = min(len(drawn.items) / (catalogue - 1), 1.0)
    own = functional.logsigmoid((vectors * positives).sum(dim=1))  # (N,)
    others = functional.logsigmoid(-drawn.scores(vectors, targets)).sum(dim=1)  # (N,)
    return -((1 - calibration * (1 - rate)) * own + others).mean() / (len(drawn.items) + 1)


class _FusedSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, table: Tensor, targets: Tensor, chunk: int) -> Tensor:
        count = len(targets)
        total = vectors.new_zeros(())
        vectors_gradient = torch.empty_like(vectors)
        table_gradient = torch.zeros_like(table)
        for start in range(0, count, chunk):
            part, goal = vectors[start : start + chunk], targets[start : start + chunk, None]
            log_shares = functional.log_softmax(part @ table.T, dim=1)  # (chunk, C)
            total -= log_shares.gather(1, goal).sum()
            slope = log_shares.exp_()  # softmax - one_hot is the gradient of the scores
            slope.scatter_add_(1, goal, slope.new_full(goal.shape, -1.0))
            slope /= count
            torch.mm(slope, table, out=vectors_gradient[start : start + chunk])
            table_gradient.addmm_(slope.T, part)
        ctx.save_for_backward(vectors_gradient, table_gradient)
        return total / count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        vectors_gradient, table_gradient = ctx.saved_tensors
        return gradients[0] * vectors_gradient, gradients[0] * table_gradient, None, None


def cosine_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus the cosine of block states (N, K, D), mean over positions and blocks (SLMRec, L_cos)."""
    return 1 - functional.cosine_similarity(student, teacher, dim=2).mean()


def norm_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared distance of block states (N, K, D) relative to the teacher's squared length, block by block.

    SLMRec's L_norm is the plain squared distance; LLaMA states grow with depth by orders of magnitude, and relative
    to each block's own length one weight serves every block and depth.
    """
    distance = (student - teacher).square().sum(dim=2).mean(dim=0)  # (K,)
    return (distance / teacher.square().sum(dim=2).mean(dim=0)).mean()


def logits_loss(vectors: Tensor, table: Tensor, top_items: Tensor, top_scores: Tensor, temperature: float) -> Tensor:
    """KL divergence from the teacher's shares among its top K items to the student's among the same items.

    vectors (N, E), table (I, E), top_items (N, K), top_scores (N, K); scaled by temperature squared (Hinton 2015).
    """
    scores = torch.einsum("ne,nke->nk", vectors, functional.embedding(top_items, table))  # (N, K)
    student = functional.log_softmax(scores / temperature, dim=1)
    teacher = functional.log_softmax(top_scores / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2
