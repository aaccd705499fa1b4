"""AdamW for an item embedding of which a batch reads few rows: it works on those rows alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

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
        rows, grad = gradient.indices()[0], gradient.values()  # (R,), (R, E)
        state = self._state(weight)
        steps = state["steps"][rows] + 1  # (R,)
        mean = state["mean"][rows].lerp_(grad, 1 - BETAS[0])
        square = state["square"][rows].mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
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
