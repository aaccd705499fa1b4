"""A decoder over item vectors that starts from a pretrained LLM, cut to depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.params.train_teacher import LeastChange, Pretrained
from slmrec.pretrained.backbone import NORM, Backbone, read_layers, sampled_words
from slmrec.pretrained.layer_selection import layers_by_place, least_change


@dataclass(frozen=True)
class DecoderSettings:
    """What surrounds a decoder's layers, whatever they are."""

    item_embedding: ItemEmbedding
    dropout: float
    layer_drop: float
    max_length: int


def pretrained_decoder(
    backbone: Backbone, p: Pretrained, settings: DecoderSettings, sample: Callable[[int], Tensor]
) -> tuple[LlamaRecommender, list[int]]:
    """The decoder of `p`, and which of the backbone's layers, counted from 1, it kept.

    sample gives that many right-padded histories (B, T), for the rule that measures.
    """
    prompt = backbone.prompt(p.prompt) if p.prompt is not None else None
    if isinstance(p.cut, LeastChange):
        whole = with_layers(backbone, range(1, backbone.shape.layers + 1), settings, prompt).eval()
        kept = least_change(whole, sample(p.cut.windows), p.cut)
    else:
        kept = layers_by_place(p.cut, backbone.shape.layers)
    return with_layers(backbone, kept, settings, prompt), kept


def with_layers(
    backbone: Backbone, numbers: Sequence[int], settings: DecoderSettings, prompt: Tensor | None
) -> LlamaRecommender:
    """A decoder of the backbone's named layers, counted from 1."""
    shape = replace(backbone.shape, layers=len(numbers))
    model = LlamaRecommender(
        settings.item_embedding, shape, settings.dropout, settings.layer_drop, settings.max_length, prompt
    )
    model.start_from_words(
        read_layers(backbone, numbers), backbone.read(NORM), sampled_words(backbone)
    )
    return model
