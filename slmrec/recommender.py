"""The recommender: a LLaMA-architecture decoder over item vectors. Teacher and student differ in depth and width only.

After E4SRec (arXiv 2312.02443) and SLMRec (arXiv 2405.17890): a linear map lifts item vectors to the decoder's
width, the decoder reads the history, a second map brings its last state down to the item table, which scores it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm, LlamaRotaryEmbedding

from slmrec.item_table import ItemTable


@dataclass(frozen=True)
class DecoderShape:
    """Depth and width of a LLaMA decoder, as transformers names them in LlamaConfig."""

    layers: int
    width: int
    heads: int
    key_value_heads: int
    feed_forward: int
    norm_epsilon: float
    rope_theta: float

    def llama_config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=1,  # items come as vectors: the word table is never built
            hidden_size=self.width,
            intermediate_size=self.feed_forward,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.key_value_heads,
            rms_norm_eps=self.norm_epsilon,
            rope_parameters={"rope_type": "default", "rope_theta": self.rope_theta},
            pad_token_id=None,
            bos_token_id=None,
            eos_token_id=None,
            attn_implementation="sdpa",
        )


class Recommender(nn.Module):
    """Items (B, T) to user vectors (B, T, E) at the item table's width, and to the states between its layers."""

    def __init__(self, table: ItemTable, shape: DecoderShape, dropout: float, max_length: int) -> None:
        super().__init__()
        config = shape.llama_config()
        self.shape = shape
        self.max_length = max_length
        self.table = table
        self.dropout = nn.Dropout(dropout)
        self.up = nn.Linear(table.width, shape.width, bias=False)
        self.layers = nn.ModuleList(LlamaDecoderLayer(config, index) for index in range(shape.layers))
        self.rotary = LlamaRotaryEmbedding(config)
        self.norm = LlamaRMSNorm(shape.width, eps=shape.norm_epsilon)
        self.down = nn.Linear(shape.width, table.width, bias=False)
        self._initialise(config.initializer_range)

    def _initialise(self, scale: float) -> None:
        for module in self.layers.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=scale)

    def forward(self, items: Tensor) -> Tensor:
        """User vectors of right-padded item indices (B, T).  # (B, T, E)"""
        return self.read(items, ())[0]

    def read(self, items: Tensor, after: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """User vectors (B, T, E) and the states (B, T, D) after the named layers, counted from 1."""
        h = self.dropout(self.up(self.table(items)))  # (B, T, D)
        positions = torch.arange(items.shape[1], device=items.device)[None]  # (1, T)
        rotation = self.rotary(h, positions)
        states = []
        for number, layer in enumerate(self.layers, start=1):
            # No mask: with right padding, causality alone keeps pads from earlier positions.
            h = layer(h, attention_mask=None, position_ids=positions, position_embeddings=rotation)
            if number in after:
                states.append(h)
        return self.down(self.dropout(self.norm(h))), states

    def start_from(self, teacher: Recommender, layers: Sequence[int]) -> None:
        """Copy a teacher's table, maps and the named layers, counted from 1, into this decoder's."""
        for name in ("table", "up", "norm", "down"):
            getattr(self, name).load_state_dict(getattr(teacher, name).state_dict())
        for own, number in zip(self.layers, layers, strict=True):
            own.load_state_dict(teacher.layers[number - 1].state_dict())
