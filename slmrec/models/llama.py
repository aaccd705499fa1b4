"""The recommender: a LLaMA-architecture decoder over item vectors. Teacher and student differ in depth and width only.

After E4SRec (arXiv 2312.02443) and SLMRec (arXiv 2405.17890): a linear map lifts item vectors to
the decoder's width, the decoder reads the history, a second map brings its last state down to the
item table, which scores it.
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
    rope: dict[
        str, Any
    ]  # how positions turn queries and keys: rope_type, rope_theta and what the type needs

    def llama_config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=1,  # items come as vectors: the word table is never built
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
    """Items (B, T) to user vectors (B, T, E) at the item table's width, and to the states between its layers.

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
        """Start as a map that hands the last item's vector through, with layers that add to it by small steps.

        Transformers draws every weight with deviation 0.02, right for widths in the thousands: a
        narrow deep decoder hardly learns from there in the few hundred steps that logs allow.
        """
        for layer in self.layers:
            for name, module in layer.named_modules():
                if isinstance(module, nn.Linear):
                    branch_end = name.endswith(("o_proj", "down_proj"))
                    share = (
                        (2 * self.shape.layers) ** -0.5 if branch_end else 1.0
                    )  # as GPT-2 scales residual branches
                    nn.init.normal_(module.weight, std=share * module.in_features**-0.5)
        nn.init.orthogonal_(
            self.input_proj.weight, gain=self.item_embedding.width**0.5
        )  # vectors of deviation 1, as SASRec scales them
        with torch.no_grad():
            self.output_proj.weight.copy_(self.input_proj.weight.T / self.item_embedding.width**0.5)

    def forward(self, items: Tensor) -> Tensor:
        """User vectors of right-padded item indices (B, T).  # (B, T, E)"""
        return self.forward_with_states(items, ())[0]

    def forward_with_states(
        self, items: Tensor, after: Sequence[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """User vectors (B, T, E) and the states (B, T, D) after the named layers, counted from 1."""
        h = self.dropout(self.input_proj(self.item_embedding(items)))  # (B, T, D)
        prompt, length = self.prompt, self.prompt_length
        positions = torch.arange(length, length + items.shape[1], device=items.device)[
            None
        ]  # (1, T)
        rotation = self.rotary(h, positions)
        # No mask without a prompt: with right padding, causality alone keeps pads from earlier
        # positions.
        mask = prompt_mask(length, items.shape[1], items.device) if length else None
        states = []
        for number, layer in enumerate(self.layers, start=1):
            if not self._skipped():
                prompt, memory = self._read_prompt(layer, number - 1, prompt)
                h = layer(
                    h,
                    attention_mask=mask,
                    position_ids=positions,
                    position_embeddings=rotation,
                    past_key_values=memory,
                )
            if number in after:
                states.append(h)
        return self.output_proj(self.dropout(self.norm(h))), states

    @property
    def prompt_length(self) -> int:
        """Words read before every history."""
        if self.prefix is not None:
            return self.prefix.length
        return 0 if self.prompt is None else self.prompt.shape[1]

    def _read_prompt(
        self, layer: nn.Module, index: int, prompt: Tensor | None
    ) -> tuple[Tensor | None, PrefixKV | None]:
        """The prompt's state after a layer, and its keys and values in it."""
        if self.prefix is not None:
            return None, self.prefix.of_layer(index)
        if prompt is None:
            return None, None
        recorder = RecordingCache()
        positions = torch.arange(prompt.shape[1], device=prompt.device)[None]
        rotation = self.rotary(prompt, positions)
        after = layer(
            prompt,
            attention_mask=None,
            position_ids=positions,
            position_embeddings=rotation,
            past_key_values=recorder,
        )
        return after, recorder.recorded()

    def fold_prompt(self) -> None:
        """Keep the prompt's keys and values instead of the prompt: for serving only, weights must not change any more."""
        if self.prompt is None:
            return
        prompt: Tensor | None = self.prompt
        pairs = []
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                prompt, memory = self._read_prompt(layer, index, prompt)
                assert memory is not None
                pairs.append(memory)
        self.prefix, self.prompt = PrefixCache(pairs), None

    def _skipped(self) -> bool:
        # Stochastic depth (Huang 2016; LayerDrop, Fan 2020): logs are small and read many times,
        # and layers that learn to do without their neighbours are the ones a student can be cut
        # from.
        return self.training and self.layer_drop > 0 and torch.rand(()).item() < self.layer_drop

    def start_from(self, teacher: LlamaRecommender, layers: Sequence[int]) -> None:
        """Copy a teacher's table, maps and the named layers, counted from 1, into this decoder's."""
        for name in ("item_embedding", "input_proj", "norm", "output_proj"):
            getattr(self, name).load_state_dict(getattr(teacher, name).state_dict())
        for own, number in zip(self.layers, layers, strict=True):
            own.load_state_dict(teacher.layers[number - 1].state_dict())

    def start_from_words(
        self, layers: Sequence[dict[str, Tensor]], norm: Tensor, words: Tensor
    ) -> None:
        """Copy a pretrained decoder's layers and last norm (D,), and fit the maps of items to them.

        Lifted items get the length that states have after the layers, measured on `words` (B, T,
        D). At the length of words, which layers outgrow many times over (37 times in 8 layers of
        SmolLM2), what the items say drowns in what the layers add, and training takes epochs to dig
        it out; the layers themselves read through norms and hardly notice. The map down undoes the
        last norm's gain, so that user vectors start with deviation 1 a coordinate as SASRec's have,
        and scores with the spread that the item table was trained for.
        """
        for own, weights in zip(self.layers, layers, strict=True):
            own.load_state_dict(weights)
        with torch.no_grad():
            self.norm.weight.copy_(norm)
            known = self.item_embedding.folded()
            item_length = known.square().sum(dim=1).mean().sqrt().clamp(min=1e-6)
            nn.init.orthogonal_(self.input_proj.weight)  # keeps lengths: |W v| = |v|
            self.output_proj.weight.copy_(self.input_proj.weight.T / norm.square().mean().sqrt())
            # The median, because the states of some words are sinks of attention and huge.
            state_length = self.read_words(words).square().mean(dim=2).sqrt().median()
            self.input_proj.weight.mul_(state_length * self.shape.width**0.5 / item_length)

    def read_words(self, words: Tensor) -> Tensor:
        """States after all layers of word vectors (B, T, D), as the pretrained model reads a text.  # (B, T, D)"""
        positions = torch.arange(words.shape[1])[None]
        h, rotation = words, self.rotary(words, positions)
        for layer in self.layers:
            h = layer(h, attention_mask=None, position_ids=positions, position_embeddings=rotation)
        return h
