"""A prompt before every history: its keys and values are computed once and shared by all users.

Transformers hands keys and values to a cache and goes on with what the cache gives back; the
classes here stand where it expects one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PrefixKV:
    """Keys and values (1, heads, P, d) of the prompt in one layer, put before those of every history."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys = keys
        self.values = values

    def update(self, keys: Tensor, values: Tensor, _layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, P + T, d) of prompt and history."""
        return _before(self.keys, keys), _before(self.values, values)


class RecordingCache:
    """Keeps what a layer computes for the prompt."""

    def __init__(self) -> None:
        self.kept: list[tuple[Tensor, Tensor]] = []

    def update(self, keys: Tensor, values: Tensor, _layer: int) -> tuple[Tensor, Tensor]:
        """Keep keys and values and give them back as they are."""
        self.kept.append((keys, values))
        return keys, values

    def recorded(self) -> PrefixKV:
        """What the one layer that was run has left."""
        [(keys, values)] = self.kept
        return PrefixKV(keys, values)


class PrefixCache(nn.Module):
    """The prompt's keys and values of every layer, as constants of a graph."""

    def __init__(self, layers: Sequence[PrefixKV]) -> None:
        super().__init__()
        self.length = layers[0].keys.shape[2]
        for index, recorded in enumerate(layers):
            self.register_buffer(f"keys_{index}", recorded.keys.detach().clone())
            self.register_buffer(f"values_{index}", recorded.values.detach().clone())

    def of_layer(self, index: int) -> PrefixKV:
        """Keys and values of the layer `index`, counted from 0."""
        return PrefixKV(self.get_buffer(f"keys_{index}"), self.get_buffer(f"values_{index}"))


def _before(prompt: Tensor, history: Tensor) -> Tensor:
    return torch.cat([prompt.expand(history.shape[0], -1, -1, -1), history], dim=2)


def prompt_mask(prompt: int, time: int, device: torch.device) -> Tensor:
    """Where a history's positions may look: the whole prompt, then themselves and what came before.  # (1, 1, T, P + T)"""
    places = torch.arange(time, device=device)
    causal = places[:, None] >= places[None]  # (T, T)
    return torch.cat([causal.new_ones(time, prompt), causal], dim=1)[None, None]
