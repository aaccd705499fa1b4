"""SASRec (Kang & McAuley 2018), the baseline to beat: a causal transformer over item vectors."""

from __future__ import annotations

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
        added = self.output(self._attend(normed))
        if self.low_pass is not None:
            added = self.low_pass.mixed(added, normed)
        h = h + self.dropout(added)
        return h + self.dropout(self.narrow(functional.gelu(self.widen(self.map_norm(h)))))

    def _attend(self, h: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.query_key_value(h).chunk(3, dim=2)
        )  # (B, heads, T, D / heads)
        # Right padding needs no mask: causality already keeps later pads from earlier positions.
        heads = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return heads.transpose(1, 2).flatten(2)  # (B, T, D)


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

    def forward(self, items: Tensor) -> Tensor:
        """User vectors of right-padded item indices (B, T), T at most `max_length`.  # (B, T, E)"""
        positions = self.positions(torch.arange(items.shape[1], device=items.device))  # (T, E)
        vectors = self.item_embedding(items) * self.item_embedding.width**0.5  # (B, T, E)
        h = self.dropout(vectors + positions)
        for layer in self.layers:
            h = layer(h)
        return self.norm(h)
