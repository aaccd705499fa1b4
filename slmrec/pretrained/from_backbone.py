"""A decoder over item vectors that starts from a pretrained LLM, cut to depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.warm_start import start_from_language_model
from slmrec.params.train_teacher import LeastChange, Pretrained
from slmrec.pretrained.backbone import NORM, Backbone, read_layers, sampled_words
from slmrec.pretrained.layer_selection import layers_by_change, layers_by_place


@dataclass(frozen=True)
class DecoderSettings:
    """What a decoder needs besides its layers, whichever they are."""

    item_embedding: ItemEmbedding
    dropout: float
    layer_drop: float
    max_length: int


def pretrained_decoder(
    backbone: Backbone,
    p: Pretrained,
    settings: DecoderSettings,
    sample_histories: Callable[[int], Tensor],
) -> tuple[LlamaRecommender, list[int]]:
    """The decoder of `p`, and which of the backbone's layers, counted from 1, it has.

    sample_histories(count) gives right-padded histories (B, T), for the rule that measures.
    """
    prompt = backbone.prompt(p.prompt) if p.prompt is not None else None
    depth = backbone.shape.layers
    if isinstance(p.cut, LeastChange):
        full_depth = decoder_of_layers(backbone, range(1, depth + 1), settings, prompt).eval()
        layers = layers_by_change(full_depth, sample_histories(p.cut.windows), p.cut)
    else:
        layers = layers_by_place(p.cut, depth)
    return decoder_of_layers(backbone, layers, settings, prompt), layers


def decoder_of_layers(
    backbone: Backbone, layers: Sequence[int], settings: DecoderSettings, prompt: Tensor | None
) -> LlamaRecommender:
    """A decoder of the backbone's named layers, counted from 1."""
    model = LlamaRecommender(
        settings.item_embedding,
        replace(backbone.shape, layers=len(layers)),
        settings.dropout,
        settings.layer_drop,
        settings.max_length,
        prompt,
    )
    weights = read_layers(backbone, layers)
    start_from_language_model(model, weights, backbone.read(NORM), sampled_words(backbone))
    return model
