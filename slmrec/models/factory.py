"""New decoders, from scratch or cut from a teacher, and what any model is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from slmrec.core.errors import UsageError
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.low_pass import LowPassShape
from slmrec.models.sasrec import SASRec
from slmrec.models.warm_start import start_from_teacher
from slmrec.params.decoder import DecoderParams, LowPassParams, SasrecParams
from slmrec.params.embed_items import EmbedItemsParams

# Item indices (B, T) to user vectors (B, T, E); has an item_embedding and a max_length.
SequenceModel = SASRec | LlamaRecommender
NORM_EPSILON = 1e-5  # LLaMA-2's, for decoders from scratch
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}


def new_sasrec(
    trained: Tensor,
    text: Tensor | None,
    p: EmbedItemsParams,
    max_length: int,
    low_pass: LowPassParams | None = None,
) -> SASRec:
    """A SASRec from scratch over ids, or with `text` (I, F) over ids and text.

    trained (I,) says which items have a training event; `low_pass` is the filter of its layers.
    """
    text_params = p.text if text is not None and p.text != "none" else None
    hidden_ids = text_params.hidden_ids if text_params else 0.0
    item_embedding = ItemEmbedding(trained, p.width, text, hidden_ids)
    item_embedding.new_items_may_cost = text_params.new_items_may_cost if text_params else 0.0
    shape = SasrecParams(
        kind="sasrec",
        layers=p.layers,
        heads=p.heads,
        feed_forward=p.feed_forward,
        low_pass=low_pass,
    )
    return new_layers_of_sasrec(item_embedding, shape, p.dropout, max_length)


def new_layers_of_sasrec(
    item_embedding: ItemEmbedding, p: SasrecParams, dropout: float, max_length: int
) -> SASRec:
    """A SASRec from scratch over `item_embedding`, its weights drawn from torch's seed.

    Raises UsageError where its heads do not divide the vectors.
    """
    if item_embedding.width % p.heads:
        raise UsageError(
            f"{p.heads} heads do not divide an item's vector of width {item_embedding.width} "
            "(embed_items.width); set heads to a divisor of it"
        )
    low_pass = LowPassShape(p.low_pass.share, p.low_pass.span) if p.low_pass else None
    return SASRec(item_embedding, p.layers, p.heads, p.feed_forward, dropout, max_length, low_pass)


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
    """A decoder over `item_embedding` that starts from the named layers of `teacher`.

    Layers count from 1; the maps, the last norm, the prompt and the values of the embedding are
    the teacher's.
    """
    shape = replace(teacher.shape, layers=len(layers))
    student = LlamaRecommender(
        item_embedding, shape, dropout, layer_drop, teacher.max_length, teacher.prompt
    )
    start_from_teacher(student, teacher, layers)
    return student


def decoder_parameters(model: nn.Module) -> int:
    """Parameters without the item embedding."""
    return _count(model, of_embedding=False)


def embedding_parameters(model: nn.Module) -> int:
    """Parameters of the item embedding."""
    return _count(model, of_embedding=True)


def _count(model: nn.Module, of_embedding: bool) -> int:
    return sum(
        weight.numel()
        for name, weight in model.named_parameters()
        if name.startswith("item_embedding.") == of_embedding
    )
