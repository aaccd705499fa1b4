"""The optimizers of a training run, its learning-rate schedule and its gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.params.training import TrainingParams
from slmrec.training.touched_rows_adamw import BETAS, EPSILON, TouchedRowsAdamW


def make_optimizers(trained: nn.Module, p: TrainingParams) -> list[torch.optim.Optimizer]:
    """AdamW for the weights that learn, and one more for item embeddings of sparse gradients."""
    modules = [module for module in trained.modules() if isinstance(module, ItemEmbedding)]
    sparse = [m.ids for m in modules if m.sparse_gradients and m.ids.requires_grad]
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
    adamw = torch.optim.AdamW(groups, lr=p.learning_rate, betas=BETAS, eps=EPSILON, fused=True)
    if not sparse:
        return [adamw]
    return [adamw, TouchedRowsAdamW(sparse, p.learning_rate, p.weight_decay)]


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))


def clip_gradients(weights: Iterable[nn.Parameter], max_norm: float) -> None:
    """Scale all gradients, sparse ones included, so that their common norm is at most max_norm."""
    gradients = []
    for weight in weights:
        if weight.grad is not None:
            weight.grad = weight.grad.coalesce() if weight.grad.is_sparse else weight.grad
            gradients.append(_values(weight.grad))
    norm = nn.utils.get_total_norm(gradients)
    scale = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as torch's clip_grad_norm_
    for gradient in gradients:
        gradient.mul_(scale)


def _values(gradient: Tensor) -> Tensor:
    return gradient.values() if gradient.is_sparse else gradient
