"""A prompt before every history: its keys and values are computed once and shared by all users.

Transformers hands the keys and values of a layer to a cache (`past_key_values`) and attends to what
`update` returns; PrefixKV and RecordingCache stand where it expects one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PrefixKV:
    """The prompt's keys and values (1, heads, P, d) in one layer, put before those of histories."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys = keys
        self.values = values

    def update(self, keys: Tensor, values: Tensor, _layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values of prompt and history.  # each (B, heads, P + T, d)"""
        return _prepended(self.keys, keys), _prepended(self.values, values)


class RecordingCache:
    """Records what one layer computes for the prompt."""

    def __init__(self) -> None:
        self.updates: list[tuple[Tensor, Tensor]] = []

    def update(self, keys: Tensor, values: Tensor, _layer: int) -> tuple[Tensor, Tensor]:
        """Record keys and values and return them as they are."""
        self.updates.append((keys, values))
        return keys, values

    def prefix_kv(self) -> PrefixKV:
        """The keys and values of the one layer that was run."""
        [(keys, values)] = self.updates
        return PrefixKV(keys, values)


class PrefixCache(nn.Module):
    """The prompt's keys and values in every layer, as constants of a graph."""

    def __init__(self, layers: Sequence[PrefixKV]) -> None:
        super().__init__()
        self.length = layers[0].keys.shape[2]
        for index, prefix_kv in enumerate(layers):
            self.register_buffer(f"keys_{index}", prefix_kv.keys.detach().clone())
            self.register_buffer(f"values_{index}", prefix_kv.values.detach().clone())

    def of_layer(self, index: int) -> PrefixKV:
        """Keys and values in the layer `index`, counted from 0."""
        return PrefixKV(self.get_buffer(f"keys_{index}"), self.get_buffer(f"values_{index}"))


def prompt_mask(prompt_length: int, time: int, device: torch.device) -> Tensor:
    """The attention mask of T positions after a prompt of P words.  # (1, 1, T, P + T) bool

    A position attends to the whole prompt, to itself and to what came before it.
    """
    positions = torch.arange(time, device=device)
    causal = positions[:, None] >= positions[None]  # (T, T)
    return torch.cat([causal.new_ones(time, prompt_length), causal], dim=1)[None, None]


def _prepended(prompt: Tensor, history: Tensor) -> Tensor:
    return torch.cat([prompt.expand(history.shape[0], -1, -1, -1), history], dim=2)
