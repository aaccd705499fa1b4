"""A decoder over item vectors that starts from a pretrained LLM, cut to depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from slmrec.backbones import NORM, Backbone, read_layers, sampled_words
from slmrec.batches import make_batch
from slmrec.depth import layers_by_place, least_change
from slmrec.histories import Histories
from slmrec.item_table import ItemTable
from slmrec.model_params import LeastChange, Pretrained
from slmrec.recommender import Recommender


@dataclass(frozen=True)
class Frame:
    """What surrounds a decoder's layers, whatever they are."""

    table: ItemTable
    dropout: float
    layer_drop: float
    max_length: int


def pretrained_decoder(backbone: Backbone, p: Pretrained, frame: Frame, sample: Callable[[int], Tensor]) -> tuple[Recommender, list[int]]:
    """The decoder of `p`, and which of the backbone's layers, counted from 1, it kept.

    sample gives that many right-padded histories (B, T), for the rule that measures.
    """
    prompt = backbone.prompt(p.prompt) if p.prompt is not None else None
    if isinstance(p.cut, LeastChange):
        whole = with_layers(backbone, range(1, backbone.shape.layers + 1), frame, prompt).eval()
        kept = least_change(whole, sample(p.cut.windows), p.cut)
    else:
        kept = layers_by_place(p.cut, backbone.shape.layers)
    return with_layers(backbone, kept, frame, prompt), kept


def with_layers(backbone: Backbone, numbers: Sequence[int], frame: Frame, prompt: Tensor | None) -> Recommender:
    """A decoder of the backbone's named layers, counted from 1."""
    shape = replace(backbone.shape, layers=len(numbers))
    model = Recommender(frame.table, shape, frame.dropout, frame.layer_drop, frame.max_length, prompt)
    model.start_from_words(read_layers(backbone, numbers), backbone.read(NORM), sampled_words(backbone))
    return model


def sampled_windows(histories: Histories, windows: int, seed: int) -> Tensor:
    """Inputs of training windows drawn without repetition, all there are at most.  # (B, T)"""
    count = len(histories.windows.row)
    rows = np.random.default_rng(seed).choice(count, size=min(windows, count), replace=False)
    return make_batch(histories, np.sort(rows)).items
