"""Cross-entropy over all candidate items, and the divergence from a teacher's soft targets.

Each is a mean over N positions; weighted sums are formed where the losses are used.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_MASS = 1e-6  # of the bin that holds all but the top items: keeps its logarithm finite


class SoftTargets(NamedTuple):
    """A teacher's best K items at N positions, and their log-probabilities in its full softmax."""

    indices: Tensor  # (N, K) int64
    log_probs: Tensor  # (N, K)


def softmax_loss(vectors: Tensor, candidates: Tensor, targets: Tensor, chunk: int) -> Tensor:
    """Cross-entropy of user vectors (N, E) over candidates (C, E); targets (N,) are rows of these.

    Scores exist for `chunk` positions at a time, so memory does not grow with positions x
    catalogue: gradients are formed chunk by chunk in the forward pass (as in fused linear
    cross-entropy, Liger kernels, arXiv 2410.10989).
    """
    return _FusedSoftmax.apply(vectors, candidates, targets, None, 1.0, 0.0, chunk)[0]


def softmax_loss_with_soft_targets(
    vectors: Tensor,
    candidates: Tensor,
    targets: Tensor,
    soft_targets: SoftTargets,
    weights: tuple[float, float],
    chunk: int,
) -> tuple[Tensor, Tensor]:
    """`softmax_loss`, and the KL divergence from a teacher to the student, off one pass.

    The indices of `soft_targets` are rows of the candidates. All but the teacher's top items are
    one more bin, K + 1 in all, so a student equal to its teacher loses nothing. `weights` are those
    with which the two are summed: one gradient is formed for that sum and flows through the second
    term, which halves the work of forming one for each.
    """
    hard, soft = weights
    total, cross_entropy = _FusedSoftmax.apply(
        vectors, candidates, targets, soft_targets, hard, soft, chunk
    )
    return cross_entropy, (total - hard * cross_entropy) / soft


class _FusedSoftmax(torch.autograd.Function):
    """hard * cross-entropy + soft * divergence, which carries the gradient; and cross-entropy."""

    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        candidates: Tensor,
        targets: Tensor,
        soft_targets: SoftTargets | None,
        hard: float,
        soft: float,
        chunk: int,
    ) -> tuple[Tensor, Tensor]:
        count = len(targets)
        vectors_grad, candidates_grad = torch.empty_like(vectors), torch.zeros_like(candidates)
        cross_entropy, divergence = vectors.new_zeros(()), vectors.new_zeros(())
        for start in range(0, count, chunk):
            rows = slice(start, start + chunk)
            log_probs = functional.log_softmax(vectors[rows] @ candidates.T, dim=1)  # (chunk, C)
            soft_rows = soft_targets and SoftTargets(*(part[rows] for part in soft_targets))
            terms = _chunk_terms(log_probs, targets[rows, None], soft_rows, hard, soft)
            cross_entropy += terms.cross_entropy
            divergence += terms.divergence
            grad = terms.grad.div_(count)
            torch.mm(grad, candidates, out=vectors_grad[rows])
            if ctx.needs_input_grad[1]:  # a frozen embedding saves a third of the work
                candidates_grad.addmm_(grad.T, vectors[rows])
        ctx.save_for_backward(vectors_grad, candidates_grad)
        cross_entropy /= count
        ctx.mark_non_differentiable(cross_entropy)
        return hard * cross_entropy + soft * divergence / count, cross_entropy

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        vectors_grad, candidates_grad = ctx.saved_tensors
        return outer[0] * vectors_grad, outer[0] * candidates_grad, None, None, None, None, None


class _ChunkTerms(NamedTuple):
    """Losses of some positions, summed, and the gradient by their scores."""

    cross_entropy: Tensor  # ()
    divergence: Tensor  # ()
    grad: Tensor  # (n, C) of hard * cross-entropy + soft * divergence


def _chunk_terms(
    log_probs: Tensor, targets: Tensor, soft_targets: SoftTargets | None, hard: float, soft: float
) -> _ChunkTerms:
    """The terms of targets (n, 1) and soft targets (n, K); log_probs (n, C) is overwritten."""
    cross_entropy = -log_probs.gather(1, targets).sum()
    if soft_targets is None:
        divergence, grad = log_probs.new_zeros(()), log_probs.exp_().mul_(hard)
    else:
        divergence, grad = _soft_target_terms(log_probs, soft_targets, hard, soft)
    # The gradient of cross-entropy: probabilities minus one-hot targets.
    grad.scatter_add_(1, targets, grad.new_full(targets.shape, -hard))
    return _ChunkTerms(cross_entropy, divergence, grad)


def _soft_target_terms(
    log_probs: Tensor, soft_targets: SoftTargets, hard: float, soft: float
) -> tuple[Tensor, Tensor]:
    """The divergence, and soft times its gradient plus hard times the probabilities.

    A sum over positions, in K + 1 bins; `log_probs` (n, C) is overwritten. The divergence's
    gradient is p - t for a top item and p (1 - t_rest / p_rest) for any other.
    """
    student_log_probs = log_probs.gather(1, soft_targets.indices)  # (n, K)
    student, teacher = student_log_probs.exp(), soft_targets.log_probs.exp()
    divergence = kl_divergence(soft_targets.log_probs, student_log_probs)
    rest = remaining_mass(teacher) / remaining_mass(student)
    grad = log_probs.exp_().mul_(hard + soft * (1 - rest))
    top_items = soft * (student * rest - teacher)
    return divergence, grad.scatter_add_(1, soft_targets.indices, top_items)


def kl_divergence(teacher_log_probs: Tensor, student_log_probs: Tensor) -> Tensor:
    """KL divergence over K + 1 bins, a teacher's top items (N, K) and the rest; a sum over N."""
    teacher = teacher_log_probs.exp()
    rest = remaining_mass(teacher)
    top_items = teacher * (teacher_log_probs - student_log_probs)
    others = rest * (rest.log() - remaining_mass(student_log_probs.exp()).log())
    return top_items.sum() + others.sum()


def remaining_mass(probabilities: Tensor) -> Tensor:
    """What probabilities (N, K) leave to all other items.  # (N, 1)"""
    return (1 - probabilities.sum(dim=1, keepdim=True)).clamp(min=SMALLEST_MASS)
