"""What a decoder's layers do: how much each changes the states, and how well others replace it.

The paper's argument, that many layers can be replaced by few, measured on the states of real
histories.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.dataset.padding import real_positions
from slmrec.models.llama import LlamaRecommender


def states_between_layers(model: LlamaRecommender, items: Tensor) -> Tensor:
    """States before the first layer and after each, at the N real positions.  # (L + 1, N, D)

    items (B, T) are right-padded.
    """
    real = real_positions(items)
    model.eval()
    with torch.inference_mode():
        first = model.input_proj(model.item_embedding(items))
        states = model.forward_with_states(items, range(1, len(model.layers) + 1))[1]
    return torch.stack([state[real] for state in (first, *states)]).clone()


def layer_changes(states: Tensor) -> list[float]:
    """1 - cosine of the states before and after each layer, mean over positions.

    states (L + 1, N, D).
    """
    return [
        float(1 - functional.cosine_similarity(before, after, dim=1).mean())
        for before, after in pairwise(states)
    ]


def linear_cka(left: Tensor, right: Tensor) -> float:
    """Linear centred kernel alignment of states (N, D) and (N, D').

    1 for states that are alike up to rotation and scale. Kornblith et al. 2019 (arXiv 1905.00414),
    equation of section 3.
    """
    left, right = left - left.mean(dim=0), right - right.mean(dim=0)
    shared = (left.T @ right).square().sum()
    return float(
        shared / ((left.T @ left).square().sum().sqrt() * (right.T @ right).square().sum().sqrt())
    )


def cka_matrix(states: Tensor) -> list[list[float]]:
    """CKA of every layer's states with every other's; states (L + 1, N, D).  # (L + 1, L + 1)"""
    return [[linear_cka(left, right) for right in states] for left in states]


def replaceability(states: Tensor, span: int, ridge: float) -> list[float]:
    """Share of variance that one affine map explains in place of `span` layers, from each start.

    The map is fitted by ridge regression on the first half of the positions and measured on the
    second. states (L + 1, N, D).
    """
    half = states.shape[1] // 2
    return [
        _explained_variance(states[first], states[first + span], half, ridge)
        for first in range(len(states) - span)
    ]


def _explained_variance(before: Tensor, after: Tensor, half: int, ridge: float) -> float:
    before, after = before.double(), after.double()
    inputs = torch.cat([before, before.new_ones(len(before), 1)], dim=1)  # (N, D + 1)
    fitted, unseen = inputs[:half], inputs[half:]
    gram = fitted.T @ fitted
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    predicted = unseen @ torch.linalg.solve(gram, fitted.T @ after[:half])
    actual = after[half:]
    residual = (actual - predicted).square().sum()
    return float(1 - residual / (actual - actual.mean(dim=0)).square().sum())
