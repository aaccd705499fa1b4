"""Thinner feed-forward maps: the channels of least magnitude are left out, the rest stay as they are."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from slmrec.models.llama import LlamaRecommender

MAPS = ("gate_proj", "up_proj", "down_proj")


def channel_magnitudes(gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """What each feed-forward channel can contribute at most: the product of its weights' lengths.

    gate and up (F, D), down (D, F).  # (F,)
    """
    return gate.norm(dim=1) * up.norm(dim=1) * down.norm(dim=0)


def pruned(model: LlamaRecommender, share: float) -> LlamaRecommender:
    """A copy of the decoder that keeps `share` of every layer's feed-forward channels, those of greatest magnitude."""
    kept = max(1, round(share * model.shape.feed_forward))
    shape = replace(model.shape, feed_forward=kept)
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
        gate, up, down = (weights[f"layers.{layer}.mlp.{name}.weight"] for name in MAPS)
        best = torch.topk(channel_magnitudes(gate, up, down), kept).indices.sort().values
        for name, weight in zip(MAPS, (gate[best], up[best], down[:, best]), strict=True):
            weights[f"layers.{layer}.mlp.{name}.weight"] = weight
    thin.load_state_dict(weights)
    return thin.train(model.training)
