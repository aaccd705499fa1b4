"""A pretrained LLaMA decoder on disk, checked and read layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from slmrec.core.errors import DataError, UsageError
from slmrec.core.files import read_json
from slmrec.models.llama import DecoderShape
from slmrec.params.train_teacher import Pretrained
from slmrec.pretrained.llama_config import llama_shape
from slmrec.pretrained.model_folder import model_folder, open_weights, weight_files
from slmrec.pretrained.smollm2 import WORD_EMBEDDING

LAYER, NORM = "model.layers.", "model.norm.weight"
SAMPLED_TEXTS, WORDS_A_TEXT = 8, 32


@dataclass(frozen=True)
class Backbone:
    """A pretrained decoder: its shape at full depth, and the safetensors file of each weight."""

    folder: Path
    shape: DecoderShape
    files: dict[str, Path]

    def layer(self, number: int) -> dict[str, Tensor]:
        """Weights of one layer, counted from 1, named as a decoder layer names them; float32."""
        prefix = f"{LAYER}{number - 1}."
        names = [name for name in self.files if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.read(name) for name in sorted(names)}

    def read(self, name: str) -> Tensor:
        """One weight in float32."""
        with open_weights(self.files[name]) as weights:
            return weights.get_tensor(name).float()

    def prompt(self, text: str) -> Tensor:
        """Word vectors of a text. Raises UsageError without a tokenizer.  # (1, P, D)"""
        from transformers import AutoTokenizer

        try:
            tokens = AutoTokenizer.from_pretrained(self.folder)(text)["input_ids"]
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{self.folder} has no tokenizer for the prompt ({error}); "
                "set backbone.prompt to null"
            ) from error
        return self.read(WORD_EMBEDDING)[torch.tensor(tokens)][None]


def open_backbone(p: Pretrained) -> Backbone:
    """Find or fetch the model that a params section names.

    Raises UsageError where it is no plain LLaMA decoder, DataError where weights are missing.
    """
    folder = model_folder(p)
    shape = llama_shape(read_json(folder / "config.json"), folder)
    backbone = Backbone(folder, shape, weight_files(folder))
    expected = (f"{LAYER}0.self_attn.q_proj.weight", NORM, WORD_EMBEDDING)
    missing = [name for name in expected if name not in backbone.files]
    if missing:
        raise DataError(
            f"{folder} holds no {missing[0]}: it is no causal LLaMA model; fetch it again"
        )
    return backbone


def sampled_words(backbone: Backbone) -> Tensor:
    """Vectors of words at even steps through the vocabulary, as texts.  # (8, 32, D)

    A sample of the inputs that the layers were trained on.
    """
    words = backbone.read(WORD_EMBEDDING)  # (V, D)
    steps = torch.linspace(0, len(words) - 1, SAMPLED_TEXTS * WORDS_A_TEXT).long()
    return words[steps].unflatten(0, (WORDS_A_TEXT, SAMPLED_TEXTS)).transpose(0, 1)


def read_layers(backbone: Backbone, numbers: Sequence[int]) -> list[dict[str, Tensor]]:
    """Weights of the named layers, counted from 1.

    Raises UsageError where the model is not that deep.
    """
    if max(numbers) > backbone.shape.layers:
        raise UsageError(
            f"layer {max(numbers)} is asked for, {backbone.folder} has {backbone.shape.layers}; "
            "lower backbone.cut"
        )
    return [backbone.layer(number) for number in numbers]
