"""A LLaMA decoder over item vectors; teacher and student differ in depth and width only.

After E4SRec (arXiv 2312.02443) and SLMRec (arXiv 2405.17890): a linear map takes item vectors to
the decoder's width, the decoder reads the history, a second map takes its states back to the width
of the item embedding, with which they are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaDecoderLayer,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
)

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.prefix_cache import PrefixCache, PrefixKV, RecordingCache, prompt_mask


@dataclass(frozen=True)
class DecoderShape:
    """Depth and width of a LLaMA decoder, as transformers names them in LlamaConfig."""

    layers: int
    width: int
    heads: int
    key_value_heads: int
    feed_forward: int
    norm_epsilon: float
    rope: dict[str, Any]  # rotary positions: rope_type, rope_theta and what the type needs

    def llama_config(self) -> LlamaConfig:
        """The shape as transformers reads it."""
        return LlamaConfig(
            vocab_size=1,  # items come as vectors: the word embedding is never built
            hidden_size=self.width,
            intermediate_size=self.feed_forward,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.key_value_heads,
            rms_norm_eps=self.norm_epsilon,
            rope_parameters=dict(self.rope),
            pad_token_id=None,
            bos_token_id=None,
            eos_token_id=None,
            attn_implementation="sdpa",
        )


class LlamaRecommender(nn.Module):
    """Items (B, T) to user vectors (B, T, E), E the width of the item embedding; also to states.

    A prompt, P word vectors that are the same for everyone, may stand before every history
    (E4SRec). It is read once a step, not once a user; `fold_prompt` leaves its keys and values as
    constants for serving.
    """

    prompt: Tensor | None  # (1, P, D)

    def __init__(
        self,
        item_embedding: ItemEmbedding,
        shape: DecoderShape,
        dropout: float,
        layer_drop: float,
        max_length: int,
        prompt: Tensor | None = None,
    ) -> None:
        super().__init__()
        config = shape.llama_config()
        self.shape = shape
        self.max_length = max_length
        self.layer_drop = layer_drop
        self.item_embedding = item_embedding
        self.dropout = nn.Dropout(dropout)
        self.input_proj = nn.Linear(item_embedding.width, shape.width, bias=False)
        self.layers = nn.ModuleList(
            LlamaDecoderLayer(config, index) for index in range(shape.layers)
        )
        self.rotary = LlamaRotaryEmbedding(config)
        self.norm = LlamaRMSNorm(shape.width, eps=shape.norm_epsilon)
        self.output_proj = nn.Linear(shape.width, item_embedding.width, bias=False)
        self.register_buffer("prompt", prompt)
        self.prefix: PrefixCache | None = None
        self._initialise()

    def _initialise(self) -> None:
        """Start near the map that returns the last item's vector; layers add to it by small steps.

        Transformers draws every weight with deviation 0.02, right for widths in the thousands: a
        narrow deep decoder hardly learns from there in the few hundred steps that logs allow.
        """
        residual_scale = (2 * self.shape.layers) ** -0.5  # of residual branches, as in GPT-2
        for layer in self.layers:
            for name, module in layer.named_modules():
                if isinstance(module, nn.Linear):
                    branch_end = name.endswith(("o_proj", "down_proj"))
                    scale = residual_scale if branch_end else 1.0
                    nn.init.normal_(module.weight, std=scale * module.in_features**-0.5)
        item_scale = self.item_embedding.width**0.5  # vectors of deviation 1, as in SASRec
        nn.init.orthogonal_(self.input_proj.weight, gain=item_scale)
        with torch.no_grad():
            self.output_proj.weight.copy_(self.input_proj.weight.T / item_scale)

    def forward(self, items: Tensor) -> Tensor:
        """User vectors of right-padded item indices (B, T).  # (B, T, E)"""
        return self.forward_with_states(items, ())[0]

    def forward_with_states(
        self, items: Tensor, after: Sequence[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """User vectors, and the states after the layers `after`, counted from 1.

        # (B, T, E), list of (B, T, D)
        """
        h = self.dropout(self.input_proj(self.item_embedding(items)))  # (B, T, D)
        prompt, length = self.prompt, self.prompt_length
        positions = torch.arange(length, length + items.shape[1], device=items.device)[None]
        rotation = self.rotary(h, positions)
        # No mask without a prompt: with right padding, causality alone keeps pads from earlier
        # positions.
        mask = prompt_mask(length, items.shape[1], items.device) if length else None
        states = []
        for index, layer in enumerate(self.layers):
            if not self._drops_layer():
                prompt, prompt_kv = self._read_prompt(layer, index, prompt)
                h = layer(
                    h,
                    attention_mask=mask,
                    position_ids=positions,
                    position_embeddings=rotation,
                    past_key_values=prompt_kv,
                )
            if index + 1 in after:
                states.append(h)
        return self.output_proj(self.dropout(self.norm(h))), states

    @property
    def width(self) -> int:
        """D, the width of a state."""
        return self.shape.width

    @property
    def prompt_length(self) -> int:
        """Words read before every history."""
        if self.prefix is not None:
            return self.prefix.length
        return 0 if self.prompt is None else self.prompt.shape[1]

    def _read_prompt(
        self, layer: nn.Module, index: int, prompt: Tensor | None
    ) -> tuple[Tensor | None, PrefixKV | None]:
        """The prompt's states after a layer, and its keys and values in it."""
        if self.prefix is not None:
            return None, self.prefix.of_layer(index)
        if prompt is None:
            return None, None
        cache = RecordingCache()
        return self._read_with_layer(layer, prompt, cache), cache.prefix_kv()

    def _read_with_layer(
        self, layer: nn.Module, h: Tensor, cache: RecordingCache | None = None
    ) -> Tensor:
        """States after a layer of states (B, P, D) that nothing stands before.  # (B, P, D)"""
        positions = torch.arange(h.shape[1], device=h.device)[None]
        return layer(
            h,
            attention_mask=None,
            position_ids=positions,
            position_embeddings=self.rotary(h, positions),
            past_key_values=cache,
        )

    def _drops_layer(self) -> bool:
        # Stochastic depth (Huang 2016; LayerDrop, Fan 2020): logs are small and read many times,
        # and layers that learn to do without their neighbours are the ones a student can be cut
        # from.
        return self.training and self.layer_drop > 0 and torch.rand(()).item() < self.layer_drop

    def fold_prompt(self) -> None:
        """Replace the prompt by its keys and values: for serving, when weights change no more."""
        if self.prompt is None:
            return
        prompt: Tensor | None = self.prompt
        layers_kv = []
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                prompt, prompt_kv = self._read_prompt(layer, index, prompt)
                assert prompt_kv is not None
                layers_kv.append(prompt_kv)
        self.prefix, self.prompt = PrefixCache(layers_kv), None

    def read_words(self, words: Tensor) -> Tensor:
        """States after all layers of word vectors (B, T, D), read as a text.  # (B, T, D)"""
        h = words
        for layer in self.layers:
            h = self._read_with_layer(layer, h)
        return h
