"""New models: a decoder from scratch, or one cut from a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import DecoderParams

SequenceModel = (
    SASRec | LlamaRecommender
)  # (B, T) item indices to (B, T, E) user vectors, with a table and a max_length
NORM_EPSILON = 1e-5  # LLaMA-2's, for decoders from scratch
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}


def new_decoder(
    item_embedding: ItemEmbedding,
    p: DecoderParams,
    dropout: float,
    layer_drop: float,
    max_length: int,
) -> LlamaRecommender:
    """A decoder from scratch, its weights drawn from torch's seed."""
    shape = DecoderShape(
        p.layers, p.width, p.heads, p.key_value_heads, p.feed_forward, NORM_EPSILON, ROPE
    )
    return LlamaRecommender(item_embedding, shape, dropout, layer_drop, max_length)


def cut_decoder(
    teacher: LlamaRecommender,
    item_embedding: ItemEmbedding,
    layers: Sequence[int],
    dropout: float,
    layer_drop: float,
) -> LlamaRecommender:
    """A decoder over `table` that starts from the named layers of `teacher`, counted from 1, its maps, norm and prompt."""
    shape = replace(teacher.shape, layers=len(layers))
    student = LlamaRecommender(
        item_embedding, shape, dropout, layer_drop, teacher.max_length, teacher.prompt
    )
    student.start_from(teacher, layers)
    return student


def decoder_parameters(model: nn.Module) -> int:
    """Parameters without the item table."""
    return sum(
        p.numel() for name, p in model.named_parameters() if not name.startswith("item_embedding.")
    )


def table_parameters(model: nn.Module) -> int:
    """Parameters of the item table."""
    return sum(
        p.numel() for name, p in model.named_parameters() if name.startswith("item_embedding.")
    )
