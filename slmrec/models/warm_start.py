"""Decoders that start from trained weights: a teacher's layers, or those of a language model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slmrec.models.llama import LlamaRecommender


def start_from_teacher(
    student: LlamaRecommender, teacher: LlamaRecommender, layers: Sequence[int]
) -> None:
    """Copy a teacher's embedding, maps, norm and the named layers, counted from 1, to a student."""
    for name in ("item_embedding", "input_proj", "norm", "output_proj"):
        getattr(student, name).load_state_dict(getattr(teacher, name).state_dict())
    for student_layer, number in zip(student.layers, layers, strict=True):
        student_layer.load_state_dict(teacher.layers[number - 1].state_dict())


def start_from_language_model(
    model: LlamaRecommender, layers: Sequence[dict[str, Tensor]], norm: Tensor, words: Tensor
) -> None:
    """Copy a pretrained decoder's layers and last norm (D,), and fit the maps of items to them.

    Item vectors are mapped to the length that states have after the layers, measured on `words`
    (B, T, D). At the length of word vectors, which layers outgrow many times over (37 times in 8
    layers of SmolLM2), the layers' additions outweigh the items, and training takes epochs to undo
    that; the layers themselves read through norms and hardly notice. The output map undoes the last
    norm's gain, so that user vectors start with deviation 1 a coordinate as SASRec's have, and
    scores with the spread that the item embedding was trained for.
    """
    for layer, weights in zip(model.layers, layers, strict=True):
        layer.load_state_dict(weights)
    with torch.no_grad():
        model.norm.weight.copy_(norm)
        vectors = model.item_embedding.folded()
        item_length = vectors.square().sum(dim=1).mean().sqrt().clamp(min=1e-6)
        nn.init.orthogonal_(model.input_proj.weight)  # keeps lengths: |W v| = |v|
        model.output_proj.weight.copy_(model.input_proj.weight.T / norm.square().mean().sqrt())
        # The median, because the states of some words are sinks of attention and huge.
        state_length = model.read_words(words).square().mean(dim=2).sqrt().median()
        model.input_proj.weight.mul_(state_length * model.shape.width**0.5 / item_length)
