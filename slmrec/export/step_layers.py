"""A model's layers for further events: earlier ones are what the layers keep of them.

What a layer keeps of an event is some tensors of its heads, (H, d) each: keys and values, and where
a low-pass filter stands beside attention, the states that it reads.
"""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, repeat_kv

from slmrec.export.last_position import heads_of, rotated
from slmrec.models.llama import LlamaRecommender
from slmrec.models.sasrec import SASRec, SASRecLayer

KeysValues = tuple[Tensor, Tensor]


class StepLayers(Protocol):
    """What a step graph asks of a model."""

    kept_shape: tuple[int, int, int, int]  # (L, S, H, d): layers, tensors of each, heads, width

    def __call__(
        self, events: Tensor, slots: Tensor, mask: Tensor, past: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """States (B, T, D) of events (B, T) at their slots, and the L * S tensors to keep of them.

        mask (B, 1, T, W + T) says which of the window and of the events each event reads; past is
        (L, S, B, H, W, d); what is kept of the events (B, H, T, d) each.
        """

    def vectors(self, states: Tensor) -> Tensor:
        """User vectors of last states.  # (B, T, D) -> (B, T, E)"""


def step_layers(model: nn.Module, max_length: int) -> StepLayers:
    """The layers of a model that reads at most `max_length` events."""
    if isinstance(model, LlamaRecommender):
        return StepLayersOfDecoder(model, max_length)
    assert isinstance(model, SASRec)
    return StepLayersOfSasrec(model)


class StepLayersOfDecoder(nn.Module):
    """A LLaMA's layers; a prompt stands before every history."""

    cosine: Tensor  # (W, d)
    sine: Tensor  # (W, d)

    def __init__(self, decoder: LlamaRecommender, max_length: int) -> None:
        super().__init__()
        self.decoder = decoder
        start = decoder.prompt_length
        positions = torch.arange(start, start + max_length)[None]
        with torch.no_grad():
            cosine, sine = decoder.rotary(torch.zeros(1), positions)
        self.register_buffer("cosine", cosine[0].clone())
        self.register_buffer("sine", sine[0].clone())
        shape = decoder.shape
        self.kept_shape = (shape.layers, 2, shape.key_value_heads, self.cosine.shape[1])

    def forward(
        self, events: Tensor, slots: Tensor, mask: Tensor, past: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """As StepLayers says."""
        rotation = (
            functional.embedding(slots, self.cosine)[:, None],  # (B, 1, T, d)
            functional.embedding(slots, self.sine)[:, None],
        )
        if self.decoder.prefix is not None:
            prompt = mask.new_ones(*mask.shape[:3], self.decoder.prefix.length)
            mask = torch.cat([prompt, mask], dim=3)
        h = self.decoder.input_proj(self.decoder.item_embedding(events))  # (B, T, D)
        kept: list[Tensor] = []
        for index, layer in enumerate(self.decoder.layers):
            earlier = self._behind_prompt(index, (past[index, 0], past[index, 1]))
            h, new = _decoder_layer(cast(LlamaDecoderLayer, layer), h, rotation, earlier, mask)
            kept += new
        return h, kept

    def vectors(self, states: Tensor) -> Tensor:
        """As StepLayers says."""
        return cast(Tensor, self.decoder.output_proj(self.decoder.norm(states)))

    def _behind_prompt(self, index: int, state: KeysValues) -> KeysValues:
        if self.decoder.prefix is None:
            return state
        return self.decoder.prefix.of_layer(index).update(*state, index)


class StepLayersOfSasrec(nn.Module):
    """SASRec's layers; a filter beside attention keeps the states that it reads."""

    def __init__(self, model: SASRec) -> None:
        super().__init__()
        self.model = model
        heads = model.first_layer.heads
        kept = 2 if model.low_pass_shape is None else 3
        self.kept_shape = (len(model.layers), kept, heads, model.width // heads)

    def forward(
        self, events: Tensor, slots: Tensor, mask: Tensor, past: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """As StepLayers says."""
        h = self.model.read(events, slots)  # (B, T, D)
        kept: list[Tensor] = []
        for index, layer in enumerate(self.model.layers):
            h, new = _sasrec_layer(cast(SASRecLayer, layer), h, slots, past[index], mask)
            kept += new
        return h, kept

    def vectors(self, states: Tensor) -> Tensor:
        """As StepLayers says."""
        return cast(Tensor, self.model.norm(states))


def _decoder_layer(
    layer: LlamaDecoderLayer, h: Tensor, rotation: KeysValues, earlier: KeysValues, mask: Tensor
) -> tuple[Tensor, KeysValues]:
    """States (B, T, D) after a layer, and the keys and values (B, H, T, d) of its input."""
    attention, width = layer.self_attn, layer.self_attn.head_dim
    normed = layer.input_layernorm(h)
    query = rotated(heads_of(attention.q_proj(normed), width), *rotation)
    key = rotated(heads_of(attention.k_proj(normed), width), *rotation)
    value = heads_of(attention.v_proj(normed), width)
    keys, values = (
        repeat_kv(torch.cat([before, new], dim=2), attention.num_key_value_groups)
        for before, new in zip(earlier, (key, value), strict=True)
    )
    attended = functional.scaled_dot_product_attention(
        query, keys, values, attn_mask=mask, scale=attention.scaling
    )
    h = h + attention.o_proj(attended.transpose(1, 2).flatten(2))
    return h + layer.mlp(layer.post_attention_layernorm(h)), (key, value)


def _sasrec_layer(
    layer: SASRecLayer, h: Tensor, slots: Tensor, past: Tensor, mask: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """States (B, T, D) after a layer, and what it keeps of its input, (B, H, T, d) each.

    past (S, B, H, W, d) is what it kept of earlier events.
    """
    normed = layer.attention_norm(h)
    query, key, value = layer.attention_parts(normed)
    keys, values = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
    heads = functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    if layer.low_pass is None:
        return layer.add(h, heads, None), [key, value]
    earlier = past[2].transpose(1, 2).flatten(2)  # (B, W, D)
    known = earlier.scatter(1, slots[..., None].expand_as(normed), normed)
    filtered = layer.low_pass.at(known, slots)
    return layer.add(h, heads, filtered), [key, value, layer.heads_of(normed)]
