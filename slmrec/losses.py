"""Losses over the item table. Each returns a mean over real positions; sums are formed where they are used."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(vectors: Tensor, table: Tensor, targets: Tensor, chunk: int) -> Tensor:
    """Full-softmax cross-entropy of user vectors (N, E) against candidate vectors (C, E); targets (N,) are rows of C.

    Scores exist for `chunk` positions at a time, so memory does not grow with positions x catalogue: gradients are
    formed chunk by chunk in the forward pass (as in fused linear cross-entropy, Liger kernels, arXiv 2410.10989).
    """
    return _FusedSoftmax.apply(vectors, table, targets, chunk)


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
