"""The item table: one vector an item, shared by every model as input and as output weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.vocabulary import UNK

INITIAL_SCALE = 0.02  # of the normal distribution of fresh vectors, as in BERT and LLaMA


class ItemTable(nn.Module):
    """Vectors of I items at width E; an item without a training event reads UNK's id vector.

    Where there are sentence vectors (I, F) of titles, a trained linear map of them is added to the id vector, so
    that an item known by its title alone still has a place of its own. Both fold into one (I, E) table for serving.
    """

    source: Tensor  # (I,) the row whose id vector an item reads: its own, or UNK's
    text: Tensor | None  # (I, F)

    def __init__(self, trained: Tensor, width: int, text: Tensor | None) -> None:
        super().__init__()
        rows = torch.arange(len(trained))
        self.register_buffer("source", torch.where(trained, rows, torch.full_like(rows, UNK)))
        self.register_buffer("text", text)
        self.ids = nn.Parameter(torch.randn(len(trained), width) * INITIAL_SCALE)
        self.map_text = nn.Linear(text.shape[1], width, bias=False) if text is not None else None

    @property
    def width(self) -> int:
        return self.ids.shape[1]

    def __len__(self) -> int:
        return self.ids.shape[0]

    def forward(self, items: Tensor) -> Tensor:
        """Vectors of `items` (any shape of item indices).  # (..., E)"""
        vectors = functional.embedding(self.source[items], self.ids)
        if self.map_text is not None and self.text is not None:
            vectors = vectors + self.map_text(self.text[items])
        return vectors

    def folded(self) -> Tensor:
        """The whole table, ids and text in one.  # (I, E)"""
        return self(torch.arange(len(self), device=self.ids.device))
