"""Scores of user vectors with item vectors, and their log-sum-exp, at little memory.

Gradients are formed without a copy for every pair of position and item.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

ScorePositions = tuple[Tensor, Tensor]  # rows (M,) and columns (M,) of a matrix of scores


def log_sum_exp_of_scores(
    vectors: Tensor, items: Tensor, offsets: Tensor, excluded: ScorePositions
) -> Tensor:
    """log sum exp of scores (N, C) of user vectors (N, E) and items (C, E), plus offsets.  # (N,)

    Offsets (C,) are added to the scores and get no gradient; excluded scores count for nothing.
    Where all scores of a row are excluded the sum is empty: -inf, without gradients.
    """
    return _LogSumExp.apply(vectors, items, offsets, *excluded)


class _LogSumExp(torch.autograd.Function):
    """One matrix of scores, exponentiated in place.

    The gradients divide by the sums in their small factors, not in the matrix.
    """

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, items: Tensor, offsets: Tensor, rows: Tensor, columns: Tensor
    ) -> Tensor:
        scores = torch.addmm(offsets, vectors, items.T)
        scores[rows, columns] = -torch.inf
        lowest = torch.finfo(scores.dtype).min  # where the best is -inf: -inf - -inf is NaN
        best = scores.amax(dim=1, keepdim=True).clamp(min=lowest)
        exponentials = scores.sub_(best).exp_()
        total = exponentials.sum(dim=1)
        ctx.save_for_backward(vectors, items, exponentials, total)
        return total.log().add_(best[:, 0])

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        vectors, items, exponentials, total = ctx.saved_tensors
        scale = torch.where(total > 0, outer[0] / total, 0)[:, None]
        vectors_grad = (exponentials @ items).mul_(scale) if ctx.needs_input_grad[0] else None
        items_grad = exponentials.T @ (vectors * scale) if ctx.needs_input_grad[1] else None
        return vectors_grad, items_grad, None, None, None


def scores_at(vectors: Tensor, items: Tensor, columns: Tensor) -> Tensor:
    """Scores of user vectors (N, E) with K of the items (C, E) each: `columns` (N, K).  # (N, K)"""
    return _ScoresAt.apply(vectors, items, columns)


class _ScoresAt(torch.autograd.Function):
    """Weighted bags of item vectors, which torch sums without gathering N x K x E numbers first.

    A bag's gradient by its weights is the score; the bag of the scores' gradients is the gradient
    of the vectors.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, items: Tensor, columns: Tensor) -> Tensor:
        ctx.save_for_backward(vectors, items, columns)
        weights = torch.ones(
            columns.shape, dtype=items.dtype, device=items.device, requires_grad=True
        )
        with torch.enable_grad():
            bags = _bags(columns, items.detach(), weights)
        return torch.autograd.grad(bags, weights, vectors.detach())[0]

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        vectors, items, columns = ctx.saved_tensors
        leaf = items.detach().requires_grad_(ctx.needs_input_grad[1])
        with torch.enable_grad():
            bags = _bags(columns, leaf, outer[0])
        items_grad = torch.autograd.grad(bags, leaf, vectors)[0] if leaf.requires_grad else None
        return bags.detach(), items_grad, None


def _bags(columns: Tensor, items: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of K items each.  # (N, E)"""
    return functional.embedding_bag(columns, items, per_sample_weights=weights, mode="sum")
