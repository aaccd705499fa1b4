"""The item embedding: one vector an item, shared by every model as input and as output weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.core.vocabulary import FIRST_ITEM, UNK

INITIAL_SCALE = 0.02  # of the normal distribution of fresh vectors, as in BERT and LLaMA
# Added to the seed of a step: which ids are hidden is independent of what else the step draws.
HIDDEN_IDS_SEED_OFFSET = 2**40


class ItemEmbedding(nn.Module):
    """Vectors of I items at width E; an item without a training event reads UNK's id vector.

    Where there are sentence vectors (I, F) of titles, a trained linear map of them is added to the
    id vector, so that an item known by its title alone still has a place of its own. Both fold into
    one (I, E) matrix for serving.

    In training, a share `hidden_ids` of the items of each step read UNK's id vector too: the map
    learns to do without ids, and UNK's vector what it is worth beside a title (after DropoutNet,
    Volkovs 2017).
    """

    source: Tensor  # (I,) the row whose id vector an item reads: its own, or UNK's
    text: Tensor | None  # (I, F), zero for an item without a title
    new_item_bonus: Tensor  # () added to the score of every item without a training event

    def __init__(self, trained: Tensor, width: int, text: Tensor | None, hidden_ids: float) -> None:
        super().__init__()
        rows = torch.arange(len(trained))
        self.register_buffer("source", torch.where(trained, rows, torch.full_like(rows, UNK)))
        self.register_buffer("text", text)
        self.register_buffer("new_item_bonus", torch.zeros(()))
        self.ids = nn.Parameter(torch.randn(len(trained), width) * INITIAL_SCALE)
        self.map_text = nn.Linear(text.shape[1], width, bias=False) if text is not None else None
        self.hidden_ids = hidden_ids
        # Share of validation NDCG@10 that may be given up for new items' sake.
        self.new_items_may_cost = 0.0
        # Whether gradients hold only the rows that were read; a loss with negatives may ask for it.
        self.sparse_gradients = False

    def draw_anew(self) -> None:
        """Forget what the vectors, and the map of texts, have learnt."""
        nn.init.normal_(self.ids, std=INITIAL_SCALE)
        if self.map_text is not None:
            self.map_text.reset_parameters()

    @property
    def width(self) -> int:
        """E, the width of a vector."""
        return self.ids.shape[1]

    def __len__(self) -> int:
        return self.ids.shape[0]

    def forward(self, items: Tensor) -> Tensor:
        """Vectors of `items` (any shape of item indices).  # (..., E)"""
        vectors = functional.embedding(self._rows(items), self.ids, sparse=self.sparse_gradients)
        if self.map_text is not None and self.text is not None:
            vectors = vectors + self.map_text(self.text[items])
        return vectors

    def _rows(self, items: Tensor) -> Tensor:
        """The rows of `ids` that items read in this step.  # the shape of items"""
        rows = self.source[items]
        if not self.training or self.text is None or not self.hidden_ids:
            return rows
        # Drawn for each item, not for each position, and from the seed of the step: an item is
        # hidden as input and as target alike.
        seed = torch.initial_seed() + HIDDEN_IDS_SEED_OFFSET
        draws = torch.rand(len(self), generator=torch.Generator().manual_seed(seed))
        hidden = draws.to(items.device)[items] < self.hidden_ids
        return torch.where(hidden & (items >= FIRST_ITEM), UNK, rows)

    def described(self) -> Tensor:
        """Item indices that have a sentence vector, with or without events.  # (any,) int64"""
        if self.text is None:
            return torch.empty(0, dtype=torch.int64)
        return self.text.any(dim=1).nonzero()[:, 0]

    def folded(self) -> Tensor:
        """The vectors of all items, ids and text in one.  # (I, E)"""
        return self(torch.arange(len(self), device=self.ids.device))

    def without_text(self) -> ItemEmbedding:
        """A copy that starts from the same vectors but knows no titles: new items are all alike."""
        copy = ItemEmbedding(~self.is_new(), self.width, None, 0.0)
        with torch.no_grad():
            copy.ids.copy_(self.folded())
        return copy

    def bonuses(self) -> Tensor:
        """What is added to each item's score, whoever the user is.  # (I,)

        slmrec.ranking.new_item_bonus says why, and chooses it.
        """
        return self.new_item_bonus * self.is_new()

    def is_new(self) -> Tensor:
        """Which items have no training event.  # (I,) bool"""
        return self.source != torch.arange(len(self), device=self.source.device)


def training_candidates(item_embedding: ItemEmbedding) -> Tensor:
    """Items that training ranks: UNK, then every item with a training event.  # (C,) int64"""
    rows = torch.arange(len(item_embedding), device=item_embedding.source.device)
    return rows[item_embedding.source == rows][1:]  # PAD comes first
