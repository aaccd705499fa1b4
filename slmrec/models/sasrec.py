"""SASRec (Kang & McAuley 2018), the baseline to beat: a causal transformer over item vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.low_pass import LowPass, LowPassShape


class SASRecLayer(nn.Module):
    """A causal pre-norm transformer layer: self-attention, then a feed-forward map.

    With `low_pass` attention makes room for a filter of the same input.
    """

    def __init__(
        self, width: int, heads: int, feed_forward: int, dropout: float, low_pass: LowPass | None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.low_pass = low_pass
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.map_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward)
        self.narrow = nn.Linear(feed_forward, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        """States (B, T, D) after the layer.  # (B, T, D)"""
        normed = self.attention_norm(h)
        query, key, value = self.attention_parts(normed)
        # Right padding needs no mask: causality already keeps later pads from earlier positions.
        heads = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        filtered = self.low_pass(normed) if self.low_pass is not None else None
        return self.add(h, heads, filtered)

    def attention_parts(self, normed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of normed states (B, T, D).  # (B, heads, T, D / heads) each"""
        query, key, value = self.query_key_value(normed).chunk(3, dim=2)
        return self.heads_of(query), self.heads_of(key), self.heads_of(value)

    def heads_of(self, states: Tensor) -> Tensor:
        """States (B, T, D) as heads.  # (B, heads, T, D / heads)"""
        return states.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def add(self, h: Tensor, heads: Tensor, filtered: Tensor | None) -> Tensor:
        """States (B, T, D) after the layer, from what its heads (B, heads, T, D / heads) read.

        `filtered` (B, T, D) is the filter's output, where there is one.  # (B, T, D)
        """
        added = self.output(heads.transpose(1, 2).flatten(2))
        if self.low_pass is not None and filtered is not None:
            added = self.low_pass.mixed(added, filtered)
        h = h + self.dropout(added)
        return h + self.dropout(self.narrow(functional.gelu(self.widen(self.map_norm(h)))))


class SASRec(nn.Module):
    """Items (B, T) to user vectors (B, T, E), each for the items up to and including a position."""

    def __init__(
        self,
        item_embedding: ItemEmbedding,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        max_length: int,
        low_pass: LowPassShape | None = None,
    ) -> None:
        super().__init__()
        width = item_embedding.width
        self.low_pass_shape = low_pass
        self.item_embedding = item_embedding
        self.positions = nn.Embedding(max_length, item_embedding.width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            SASRecLayer(
                width, heads, feed_forward, dropout, LowPass(width, low_pass) if low_pass else None
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(item_embedding.width)
        nn.init.normal_(self.positions.weight, std=0.02)

    @property
    def first_layer(self) -> SASRecLayer:
        """The first layer, which has the shape of all."""
        layer = self.layers[0]
        assert isinstance(layer, SASRecLayer)
        return layer

    @property
    def max_length(self) -> int:
        """Longest input, set by the learned positions."""
        return self.positions.num_embeddings

    @property
    def width(self) -> int:
        """D, the width of a state: E."""
        return self.item_embedding.width

    def forward(self, items: Tensor) -> Tensor:
        """User vectors of right-padded item indices (B, T), T at most `max_length`.  # (B, T, E)"""
        return self.forward_with_states(items, ())[0]

    def forward_with_states(
        self, items: Tensor, after: Sequence[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """User vectors, and the states after the layers `after`, counted from 1.

        # (B, T, E), list of (B, T, E)
        """
        places = torch.arange(items.shape[1], device=items.device)
        h, states = self.dropout(self.read(items, places)), []
        for number, layer in enumerate(self.layers, start=1):
            h = layer(h)
            if number in after:
                states.append(h)
        return self.norm(h), states

    def read(self, items: Tensor, places: Tensor) -> Tensor:
        """What the first layer reads: items (B, T) at `places` (T,) or (B, T).  # (B, T, E)"""
        return self.item_embedding(items) * self.width**0.5 + self.positions(places)
