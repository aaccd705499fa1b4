"""User vectors of one position a row: the same numbers as the whole model's, without the work that does not reach them.

Serving needs the state of a row's last item alone. In a decoder's last layer only keys and values
are needed of the others: its query, attention output and feed-forward are computed for one position
instead of all, which with two layers is about 40% of the whole. Parity with the plain model is
checked at every export.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import (
    LlamaDecoderLayer,
    LlamaRMSNorm,
    repeat_kv,
    rotate_half,
)

from slmrec.models.llama import LlamaRecommender
from slmrec.models.prefix_cache import PrefixKV, prompt_mask


def last_vectors(model: nn.Module) -> nn.Module:
    """A module from items (B, W) and the place of each row's last item (B,) to user vectors (B, E). `model` is changed in place."""
    return LastOfDecoder(model) if isinstance(model, LlamaRecommender) else LastOfAny(model)


class LastOfAny(nn.Module):
    """Any model: all its user vectors, of which one a row is taken."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, items: Tensor, last: Tensor) -> Tensor:
        """User vectors of the positions `last`.  # (B, E)"""
        return _taken(self.model(items), last)[:, 0]


class LastOfDecoder(nn.Module):
    """A LlamaRecommender whose last layer is computed for one position a row."""

    def __init__(self, model: LlamaRecommender) -> None:
        super().__init__()
        self.model = model
        model.fold_prompt()  # the same for everyone, so its keys and values are constants
        for name, module in list(model.named_modules()):
            if isinstance(module, LlamaRMSNorm):
                model.set_submodule(name, DividingNorm(module))

    def forward(self, items: Tensor, last: Tensor) -> Tensor:
        """User vectors of the positions `last`.  # (B, E)"""
        model = self.model
        h = model.input_proj(model.item_embedding(items))  # (B, W, D)
        prompt, places = model.prefix, items.shape[1]
        before = 0 if prompt is None else prompt.length
        mask = None if prompt is None else prompt_mask(before, places, items.device)
        memory = [
            None if prompt is None else prompt.of_layer(index) for index in range(len(model.layers))
        ]
        positions = torch.arange(before, before + places)[None]  # (1, W)
        cosine, sine = model.rotary(h, positions)  # (1, W, D / heads)
        for layer, said in zip(model.layers[:-1], memory, strict=False):
            h = layer(
                h,
                attention_mask=mask,
                position_ids=positions,
                position_embeddings=(cosine, sine),
                past_key_values=said,
            )
        state = _last_layer(model.layers[-1], h, cosine[0], sine[0], last, memory[-1])  # (B, 1, D)
        return model.output_proj(model.norm(state))[:, 0]


class DividingNorm(nn.Module):
    """LLaMA's root-mean-square norm, written as a division: the form that onnxruntime fuses into one kernel."""

    def __init__(self, norm: LlamaRMSNorm) -> None:
        super().__init__()
        self.weight = norm.weight
        self.epsilon = norm.variance_epsilon

    def forward(self, h: Tensor) -> Tensor:
        """Normalised states.  # as h"""
        return h / (h.pow(2).mean(-1, keepdim=True) + self.epsilon).sqrt() * self.weight


def _taken(states: Tensor, last: Tensor) -> Tensor:
    """The state of one position a row.  # (B, W, D) -> (B, 1, D)"""
    return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))


def _last_layer(
    layer: LlamaDecoderLayer,
    h: Tensor,
    cosine: Tensor,
    sine: Tensor,
    last: Tensor,
    prompt: PrefixKV | None,
) -> Tensor:
    """The layer's output at the positions `last`; cosine and sine (W, D / heads) rotate queries and keys.  # (B, 1, D)"""
    own = _taken(h, last)
    normed = layer.input_layernorm(h)  # (B, W, D)
    attention = layer.self_attn
    query = _heads(
        attention.q_proj(_taken(normed, last)), attention.head_dim
    )  # (B, heads, 1, D / heads)
    query = _rotated(query, cosine[last][:, None, None], sine[last][:, None, None])
    key = _rotated(
        _heads(attention.k_proj(normed), attention.head_dim), cosine, sine
    )  # (B, key heads, W, D / heads)
    value = _heads(attention.v_proj(normed), attention.head_dim)
    reached = (torch.arange(h.shape[1])[None] <= last[:, None])[
        :, None, None
    ]  # (B, 1, 1, W): no later item, no padding
    if prompt is not None:
        key, value = prompt.update(key, value, 0)
        reached = torch.cat(
            [reached.new_ones(last.shape[0], 1, 1, prompt.keys.shape[2]), reached], dim=3
        )
    key, value = (repeat_kv(part, attention.num_key_value_groups) for part in (key, value))
    attended = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=reached, scale=attention.scaling
    )
    own = own + attention.o_proj(attended.transpose(1, 2).flatten(2))
    return own + layer.mlp(layer.post_attention_layernorm(own))


def _heads(states: Tensor, width: int) -> Tensor:
    return states.unflatten(2, (-1, width)).transpose(1, 2)  # (B, heads, W, width)


def _rotated(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    return states * cosine + rotate_half(states) * sine
