"""Scores of user vectors against a table, with gradients formed where they need no copy for every position or item."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Places = tuple[Tensor, Tensor]  # rows (M,) and columns (M,) of a matrix of scores


def log_sum_of_scores(vectors: Tensor, table: Tensor, offsets: Tensor, left_out: Places) -> Tensor:
    """log sum exp of the scores of user vectors (N, E) with a table (C, E), offsets (C,) added, but for the scores left out.  # (N,)

    No gradient reaches the offsets. Where all scores are left out the sum is empty: -inf, without
    gradients.
    """
    return _LogSum.apply(vectors, table, offsets, *left_out)


class _LogSum(torch.autograd.Function):
    """One matrix of scores, turned into shares in place; their sums are divided by in the small factors of both gradients."""

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, table: Tensor, offsets: Tensor, rows: Tensor, columns: Tensor
    ) -> Tensor:
        scores = torch.addmm(offsets, vectors, table.T)
        scores[rows, columns] = -torch.inf
        best = scores.amax(dim=1, keepdim=True).clamp(
            min=torch.finfo(scores.dtype).min
        )  # -inf less itself is no number
        shares = scores.sub_(best).exp_()
        total = shares.sum(dim=1)
        ctx.save_for_backward(vectors, table, shares, total)
        return total.log().add_(best[:, 0])

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        vectors, table, shares, total = ctx.saved_tensors
        slope = torch.where(total > 0, outer[0] / total, 0)[:, None]
        of_vectors = (shares @ table).mul_(slope) if ctx.needs_input_grad[0] else None
        of_table = shares.T @ (vectors * slope) if ctx.needs_input_grad[1] else None
        return of_vectors, of_table, None, None, None


def scores_at(vectors: Tensor, table: Tensor, places: Tensor) -> Tensor:
    """Scores of user vectors (N, E) with K rows of a table (C, E) each, `places` (N, K) int64.  # (N, K)"""
    return _ScoresAt.apply(vectors, table, places)


class _ScoresAt(torch.autograd.Function):
    """Weighted bags of table rows, which torch sums without gathering N x K x E numbers first.

    A bag's gradient by its weights is the score; the bag of the scores' gradients is the gradient
    of the vectors.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, table: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(vectors, table, places)
        weights = torch.ones(
            places.shape, dtype=table.dtype, device=table.device, requires_grad=True
        )
        with torch.enable_grad():
            bags = functional.embedding_bag(
                places, table.detach(), per_sample_weights=weights, mode="sum"
            )
        return torch.autograd.grad(bags, weights, vectors.detach())[0]

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        vectors, table, places = ctx.saved_tensors
        leaf = table.detach().requires_grad_(ctx.needs_input_grad[1])
        with torch.enable_grad():
            bags = functional.embedding_bag(places, leaf, per_sample_weights=outer[0], mode="sum")
        of_table = torch.autograd.grad(bags, leaf, vectors)[0] if leaf.requires_grad else None
        return bags.detach(), of_table, None
