"""AdamW for every weight; for an item table of which a batch reads few rows, on those rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.params.training import TrainingParams

BETAS, EPSILON = (0.9, 0.999), 1e-8  # AdamW's own, as in torch


class TouchedRowsAdamW(torch.optim.Optimizer):
    """AdamW whose step reads and writes only the rows that have a gradient (sparse, coalesced).

    Rows count their own steps, so that bias correction fits a row seen for the first time late in a
    run; moments and weights of other rows rest (as in torch's SparseAdam). A step costs by the rows
    of a batch, not by the catalogue.
    """

    def __init__(self, weights: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step. `closure` is torch's interface; the loop gives none."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, weight.grad, group["lr"], group["weight_decay"])

    def _update(
        self, weight: nn.Parameter, gradient: Tensor, lr: float, weight_decay: float
    ) -> None:
        rows, slope = gradient.indices()[0], gradient.values()  # (R,), (R, E)
        state = self._state(weight)
        steps = state["steps"][rows] + 1  # (R,)
        mean = state["mean"][rows].lerp_(slope, 1 - BETAS[0])
        square = state["square"][rows].mul_(BETAS[1]).addcmul_(slope, slope, value=1 - BETAS[1])
        state["steps"][rows], state["mean"][rows], state["square"][rows] = steps, mean, square
        corrections = [(1 - beta ** steps.double()).float()[:, None] for beta in BETAS]
        change = (mean / corrections[0]) / ((square / corrections[1]).sqrt_() + EPSILON)
        weight.index_add_(0, rows, change + weight_decay * weight[rows], alpha=-lr)

    def _state(self, weight: nn.Parameter) -> dict[str, Tensor]:
        state = self.state[weight]
        if not state:
            state["steps"] = torch.zeros(len(weight), device=weight.device)
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        return state


def optimizers(trained: nn.Module, p: TrainingParams) -> list[torch.optim.Optimizer]:
    """One for all weights, and one for the item tables whose gradients hold only the rows that were read."""
    touched = [
        module.ids
        for module in trained.modules()
        if isinstance(module, ItemEmbedding) and module.touched_only
    ]
    sparse = [weight for weight in touched if weight.requires_grad]
    dense = [
        weight
        for weight in trained.parameters()
        if weight.requires_grad and not any(weight is other for other in sparse)
    ]
    # Matrices decay; vectors (norms, biases) are left alone, as is usual for transformers.
    groups = [
        {"params": [weight for weight in dense if weight.ndim > 1], "weight_decay": p.weight_decay},
        {"params": [weight for weight in dense if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    every: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=p.learning_rate, betas=BETAS, eps=EPSILON, fused=True)
    ]
    return [*every, TouchedRowsAdamW(sparse, p.learning_rate, p.weight_decay)] if sparse else every


def clip(weights: Iterable[nn.Parameter], most: float) -> None:
    """Scale all gradients, row-wise ones included, so that their common norm is at most `most`."""
    values = []
    for weight in weights:
        if weight.grad is not None:
            weight.grad = weight.grad.coalesce() if weight.grad.is_sparse else weight.grad
            values.append(weight.grad.values() if weight.grad.is_sparse else weight.grad)
    norm = nn.utils.get_total_norm(values)
    share = torch.clamp(most / (norm + 1e-6), max=1.0)  # as torch's clip_grad_norm_
    for value in values:
        value.mul_(share)
