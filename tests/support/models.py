"""Untrained models small enough to be looked at, over an embedding of ITEMS items at width 8."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import DecoderParams

ITEMS = 14
WIDTH = 8
MAX_LENGTH = 8


def item_embedding(
    cold: tuple[int, ...] = (), text: Tensor | None = None, hidden_ids: float = 0.0
) -> ItemEmbedding:
    """An embedding whose `cold` items have no training event; `text` (ITEMS, F) if given."""
    trained = torch.ones(ITEMS, dtype=torch.bool)
    trained[list(cold)] = False
    return ItemEmbedding(trained, WIDTH, text, hidden_ids)


def decoder_params(layers: int, width: int = 16) -> DecoderParams:
    """The shape of a small decoder: two heads that share keys and values."""
    return DecoderParams(
        kind="config", layers=layers, width=width, heads=2, key_value_heads=1, feed_forward=24
    )


def small_decoder(layers: int, width: int = 16, dropout: float = 0.0) -> LlamaRecommender:
    """A decoder in evaluation mode; the same weights for the same number of layers."""
    torch.manual_seed(layers)
    shape = decoder_params(layers, width)
    return new_decoder(item_embedding(), shape, dropout, 0.0, MAX_LENGTH).eval()


def small_sasrec(seed: int, layers: int = 1) -> SASRec:
    """A SASRec in evaluation mode, of vectors far from zero, so that its scores differ."""
    torch.manual_seed(seed)
    embedding = item_embedding()
    torch.nn.init.normal_(embedding.ids)
    return SASRec(embedding, layers, 2, 16, 0.0, MAX_LENGTH).eval()
