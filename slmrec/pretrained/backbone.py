"""Pretrained LLaMA-architecture models on disk: found or fetched, checked, read layer by layer.

A backbone is a folder as transformers writes it: config.json, safetensors and, where a prompt is
wanted, a tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from slmrec.core.errors import DataError, UnavailableError, UsageError
from slmrec.core.files import read_json
from slmrec.models.llama import DecoderShape
from slmrec.params.train_teacher import FolderParams, HubParams, Pretrained
from slmrec.pretrained.smollm2 import WORDS, smollm2_folder

LAYER, NORM = "model.layers.", "model.norm.weight"


@dataclass(frozen=True)
class Backbone:
    """A pretrained decoder: its whole shape, and the safetensors file each weight lies in."""

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
        with _opened(self.files[name]) as file:
            return file.get_tensor(name).float()

    def prompt(self, text: str) -> Tensor:
        """Word vectors of a text.  # (1, P, D)"""
        from transformers import AutoTokenizer

        try:
            tokens = AutoTokenizer.from_pretrained(self.folder)(text)["input_ids"]
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{self.folder} has no tokenizer for the prompt ({error}); set backbone.prompt to null"
            ) from error
        return self.read(WORDS)[torch.tensor(tokens)][None]


def open_backbone(p: Pretrained) -> Backbone:
    """Find or fetch the model that a params section names. Raises UsageError where it is no plain LLaMA decoder."""
    folder = _folder(p)
    config = read_json(folder / "config.json")
    shape = llama_shape(config, folder)
    backbone = Backbone(folder, shape, _weight_files(folder))
    missing = [
        name
        for name in (f"{LAYER}0.self_attn.q_proj.weight", NORM, WORDS)
        if name not in backbone.files
    ]
    if missing:
        raise DataError(
            f"{folder} holds no {missing[0]}: it is no causal LLaMA model; fetch it again"
        )
    return backbone


def _folder(p: Pretrained) -> Path:
    if isinstance(p, FolderParams):
        if not (Path(p.path) / "config.json").is_file():
            raise UsageError(
                f"train_teacher.backbone.path is {p.path}, which holds no config.json; give a folder that transformers wrote"
            )
        return Path(p.path)
    return hub_folder(p) if isinstance(p, HubParams) else smollm2_folder()


def hub_folder(p: HubParams) -> Path:
    """Download a model's safetensors, config and tokenizer, or take them from the hub's own cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(p.id, revision=p.revision, allow_patterns=["*.json", "*.safetensors"])
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        said = str(error).strip().splitlines()[0]
        raise UnavailableError(
            f"{p.id} at {p.revision} could not be fetched ({said}); check the id and the network"
        ) from error


def llama_shape(config: dict[str, Any], folder: Path) -> DecoderShape:
    """The decoder's shape in a transformers config. Raises UsageError for anything that this decoder class is not."""
    if config.get("model_type") != "llama":
        raise UsageError(
            f"{folder} holds a model of type {config.get('model_type')!r}, expected 'llama'; choose a LLaMA model"
        )
    heads, width = config["num_attention_heads"], config["hidden_size"]
    unlike = {
        "attention_bias": config.get("attention_bias", False),
        "mlp_bias": config.get("mlp_bias", False),
        "hidden_act": config.get("hidden_act", "silu") != "silu",
        "head_dim": (config.get("head_dim") or width // heads) != width // heads,
    }
    if odd := [name for name, differs in unlike.items() if differs]:
        raise UsageError(
            f"{folder}: {odd[0]} is {config[odd[0]]!r}, which plain LLaMA decoders do not have; choose another model"
        )
    return DecoderShape(
        layers=config["num_hidden_layers"],
        width=width,
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        feed_forward=config["intermediate_size"],
        norm_epsilon=config["rms_norm_eps"],
        rope=_rope(config),
    )


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    if "rope_parameters" in config:  # transformers 5
        return dict(config["rope_parameters"])
    scaling = config.get("rope_scaling") or {"rope_type": "default"}
    return {"rope_theta": config.get("rope_theta", 10_000.0)} | {
        ("rope_type" if key == "type" else key): at for key, at in scaling.items()
    }


def _weight_files(folder: Path) -> dict[str, Path]:
    """Where each weight lies. Pickled weights are not read."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return {name: folder / file for name, file in read_json(index)["weight_map"].items()}
    single = folder / "model.safetensors"
    if not single.is_file():
        raise UsageError(
            f"{folder} holds no model.safetensors; save the model with transformers' save_pretrained"
        )
    with _opened(single) as file:
        return dict.fromkeys(file.keys(), single)


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, "pt")
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); fetch the model again"
        ) from error


def sampled_words(backbone: Backbone) -> Tensor:
    """Vectors of words taken at even steps through the vocabulary, as rows of a text: what the layers are used to.  # (8, 32, D)"""
    words = backbone.read(WORDS)
    return (
        words[torch.linspace(0, len(words) - 1, 8 * 32).long()]
        .unflatten(0, (32, 8))
        .transpose(0, 1)
    )


def read_layers(backbone: Backbone, numbers: Sequence[int]) -> list[dict[str, Tensor]]:
    """Weights of the named layers, counted from 1. Raises UsageError where the model is not that deep."""
    if max(numbers) > backbone.shape.layers:
        raise UsageError(
            f"layer {max(numbers)} is asked for, {backbone.folder} has {backbone.shape.layers}; lower backbone.cut"
        )
    return [backbone.layer(number) for number in numbers]
