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
    return _FusedSoftmax.apply(vectors, table, targets, None, None, chunk)[0]


def imitating_softmax_loss(
    vectors: Tensor, table: Tensor, targets: Tensor, top_rows: Tensor, top_logs: Tensor, chunk: int
) -> tuple[Tensor, Tensor]:
    """`softmax_loss`, and the KL divergence from a teacher's shares to the student's, off one pass over the scores.

    top_rows (N, K) are the teacher's best rows of the table and top_logs (N, K) the logarithms of their shares of its
    full softmax; everything else is one more bin, K + 1 in all, so a student equal to its teacher loses nothing.
    """
    ranking, imitation = _FusedSoftmax.apply(vectors, table, targets, top_rows, top_logs, chunk)
    return ranking, imitation


SMALLEST_SHARE = 1e-6  # of the bin that holds all but the top items: keeps its logarithm finite


class _FusedSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, table: Tensor, targets: Tensor, top_rows: Tensor | None, top_logs: Tensor | None, chunk: int
    ) -> tuple[Tensor, Tensor]:
        count = len(targets)
        gradients = [(torch.empty_like(vectors), torch.zeros_like(table)) for _ in range(1 if top_rows is None else 2)]
        losses = [vectors.new_zeros(()), vectors.new_zeros(())]
        for start in range(0, count, chunk):
            here = slice(start, start + chunk)
            logs = functional.log_softmax(vectors[here] @ table.T, dim=1)  # (chunk, C)
            shares = logs.exp()
            slopes = []
            if top_rows is not None and top_logs is not None:
                slopes.append(_imitation_slope(logs, shares, top_rows[here], top_logs[here], losses[1]))
            slopes.insert(0, _ranking_slope(logs, shares, targets[here], losses[0]))  # last, since it works in place
            for slope, (of_vectors, of_table) in zip(slopes, gradients, strict=True):
                slope /= count
                torch.mm(slope, table, out=of_vectors[here])
                if ctx.needs_input_grad[1]:  # a frozen table saves a third of the work
                    of_table.addmm_(slope.T, vectors[here])
        ctx.save_for_backward(*(part for pair in gradients for part in pair))
        return losses[0] / count, losses[1] / count

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        of_vectors = sum(scale * part for scale, part in zip(outer, saved[0::2], strict=False))
        of_table = sum(scale * part for scale, part in zip(outer, saved[1::2], strict=False))
        return of_vectors, of_table, None, None, None, None


def _ranking_slope(logs: Tensor, shares: Tensor, targets: Tensor, total: Tensor) -> Tensor:
    """Gradient of the cross-entropy by the scores, shares minus one-hot, in place of the shares; adds the loss to `total`.

    # (chunk, C)
    """
    goal = targets[:, None]
    total -= logs.gather(1, goal).sum()
    return shares.scatter_add_(1, goal, shares.new_full(goal.shape, -1.0))


def _imitation_slope(logs: Tensor, shares: Tensor, top_rows: Tensor, top_logs: Tensor, total: Tensor) -> Tensor:
    """Gradient of the KL divergence over K + 1 bins by the scores; adds the loss to `total`.  # (chunk, C)

    For a top item it is p - t, for any other p (1 - t_rest / p_rest).
    """
    own_logs, teacher = logs.gather(1, top_rows), top_logs.exp()  # (chunk, K)
    own = own_logs.exp()
    own_rest = (1 - own.sum(dim=1, keepdim=True)).clamp(min=SMALLEST_SHARE)
    rest = (1 - teacher.sum(dim=1, keepdim=True)).clamp(min=SMALLEST_SHARE)
    total += (teacher * (top_logs - own_logs)).sum() + (rest * (rest.log() - own_rest.log())).sum()
    return (shares * (1 - rest / own_rest)).scatter_(1, top_rows, own - teacher)


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
