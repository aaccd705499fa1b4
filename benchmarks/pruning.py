"""Thinner feed-forward layers: the channels of least magnitude go, the rest stay as they are."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from slmrec.models.llama import LlamaRecommender

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")


def channel_magnitudes(gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """What each feed-forward channel can contribute at most: the product of its weights' norms.

    gate and up (F, D), down (D, F).  # (F,)
    """
    return gate.norm(dim=1) * up.norm(dim=1) * down.norm(dim=0)


def prune(model: LlamaRecommender, share: float) -> LlamaRecommender:
    """A copy of the decoder with `share` of every layer's feed-forward channels, the greatest."""
    channels = max(1, round(share * model.shape.feed_forward))
    shape = replace(model.shape, feed_forward=channels)
    thin = LlamaRecommender(
        model.item_embedding,
        shape,
        model.dropout.p,
        model.layer_drop,
        model.max_length,
        model.prompt,
    )
    weights = model.state_dict()
    for layer in range(shape.layers):
        names = [f"layers.{layer}.mlp.{name}.weight" for name in PROJECTIONS]
        gate, up, down = (weights[name] for name in names)
        best = torch.topk(channel_magnitudes(gate, up, down), channels).indices.sort().values
        weights |= zip(names, (gate[best], up[best], down[:, best]), strict=True)
    thin.load_state_dict(weights)
    return thin.train(model.training)
