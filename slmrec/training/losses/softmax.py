"""Losses over the item table. Each returns a mean over real positions; sums are formed where they are used."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(vectors: Tensor, table: Tensor, targets: Tensor, chunk: int) -> Tensor:
    """Full-softmax cross-entropy of user vectors (N, E) against candidate vectors (C, E); targets (N,) are rows of C.

    Scores exist for `chunk` positions at a time, so memory does not grow with positions x
    catalogue: gradients are formed chunk by chunk in the forward pass (as in fused linear
    cross-entropy, Liger kernels, arXiv 2410.10989).
    """
    return _FusedSoftmax.apply(vectors, table, targets, None, 1.0, 0.0, chunk)[0]


class SoftTargets(NamedTuple):
    """A teacher's best K rows of the table at N positions, and the logarithms of their probabilities of its full softmax."""

    rows: Tensor  # (N, K)
    log_probs: Tensor  # (N, K)


def softmax_loss_with_soft_targets(
    vectors: Tensor,
    table: Tensor,
    targets: Tensor,
    soft_targets: SoftTargets,
    weights: tuple[float, float],
    chunk: int,
) -> tuple[Tensor, Tensor]:
    """`softmax_loss`, and the KL divergence from a teacher's probabilities to the student's, off one pass over the scores.

    All but the teacher's top items are one more bin, K + 1 in all, so a student equal to its
    teacher loses nothing. `weights` are those with which the two are summed: one gradient is formed
    for that sum and flows through the second term, which halves the work of forming one for each.
    """
    hard, soft = weights
    total, ranking = _FusedSoftmax.apply(vectors, table, targets, soft_targets, hard, soft, chunk)
    return ranking, (total - hard * ranking) / soft


SMALLEST_SHARE = 1e-6  # of the bin that holds all but the top items: keeps its logarithm finite


class _FusedSoftmax(torch.autograd.Function):
    """hard * cross-entropy + soft * imitation, which carries the gradient, and the cross-entropy by itself."""

    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        table: Tensor,
        targets: Tensor,
        soft_targets: SoftTargets | None,
        hard: float,
        soft: float,
        chunk: int,
    ) -> tuple[Tensor, Tensor]:
        count = len(targets)
        of_vectors, of_table = torch.empty_like(vectors), torch.zeros_like(table)
        ranking, imitation = vectors.new_zeros(()), vectors.new_zeros(())
        for start in range(0, count, chunk):
            here = slice(start, start + chunk)
            log_probs = functional.log_softmax(vectors[here] @ table.T, dim=1)  # (chunk, C)
            goal = targets[here, None]
            ranking -= log_probs.gather(1, goal).sum()
            if soft_targets is None:
                slope = log_probs.exp_().mul_(hard)
            else:
                loss, slope = _soft_target_terms(
                    log_probs,
                    SoftTargets(soft_targets.rows[here], soft_targets.log_probs[here]),
                    hard,
                    soft,
                )
                imitation += loss
            slope.scatter_add_(1, goal, slope.new_full(goal.shape, -hard)).div_(
                count
            )  # cross-entropy: probabilities minus one-hot
            torch.mm(slope, table, out=of_vectors[here])
            if ctx.needs_input_grad[1]:  # a frozen table saves a third of the work
                of_table.addmm_(slope.T, vectors[here])
        ctx.save_for_backward(of_vectors, of_table)
        ranking /= count
        ctx.mark_non_differentiable(ranking)
        return hard * ranking + soft * imitation / count, ranking

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        of_vectors, of_table = ctx.saved_tensors
        return outer[0] * of_vectors, outer[0] * of_table, None, None, None, None, None


def _soft_target_terms(
    log_probs: Tensor, soft_targets: SoftTargets, hard: float, soft: float
) -> tuple[Tensor, Tensor]:
    """Summed KL divergence over K + 1 bins, and soft times its gradient by the scores plus hard times the probabilities.

    `logs` (chunk, C) is overwritten by the gradient: for a top item it is p - t, for any other p (1
    - t_rest / p_rest).
    """
    own_log_probs, teacher = (
        log_probs.gather(1, soft_targets.rows),
        soft_targets.log_probs.exp(),
    )  # (chunk, K)
    own = own_log_probs.exp()
    loss = kl_divergence(soft_targets.log_probs, own_log_probs)
    others = remaining_mass(teacher) / remaining_mass(own)
    slope = log_probs.exp_().mul_(hard + soft * (1 - others))
    return loss, slope.scatter_add_(1, soft_targets.rows, soft * (own * others - teacher))


def kl_divergence(teacher: Tensor, own: Tensor) -> Tensor:
    """KL divergence over K + 1 bins, a teacher's top items and all others, summed over positions. Logarithms of probabilities (N, K)."""
    probabilities = teacher.exp()
    rest = remaining_mass(probabilities)
    return (probabilities * (teacher - own)).sum() + (
        rest * (rest.log() - remaining_mass(own.exp()).log())
    ).sum()


def remaining_mass(probabilities: Tensor) -> Tensor:
    """What probabilities (N, K) leave to all other items.  # (N, 1)"""
    return (1 - probabilities.sum(dim=1, keepdim=True)).clamp(min=SMALLEST_SHARE)
