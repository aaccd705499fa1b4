"""Models on disk: a folder with config.json, from which one is built, and model.safetensors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from slmrec.core.errors import DataError
from slmrec.core.files import read_json, write_json
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.low_pass import LowPassShape
from slmrec.models.sasrec import SASRec

WEIGHTS = "model.safetensors"


def save_model(model: SequenceModel, model_dir: Path) -> None:
    """Write config.json and model.safetensors into an existing or new folder."""
    model_dir.mkdir(parents=True, exist_ok=True)
    write_json(model_dir / "config.json", _config(model))
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(weights, model_dir / WEIGHTS, metadata={"format": "pt"})


def load_model(model_dir: Path) -> SequenceModel:
    """Read a model in evaluation mode on the CPU.

    Raises DataError when the weights do not fit the config.
    """
    config = read_json(model_dir / "config.json")
    weights = read_weights(model_dir / WEIGHTS)
    model = _build(config, weights)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(
            f"{model_dir} does not fit its config.json ({str(error).splitlines()[0]}); "
            "run the stage again"
        ) from error
    return model.eval()


def load_decoder(model_dir: Path) -> LlamaRecommender:
    """`load_model` for a folder that must hold a decoder. Raises DataError where it does not."""
    model = load_model(model_dir)
    if not isinstance(model, LlamaRecommender):
        raise DataError(
            f"{model_dir} holds a {type(model).__name__}, expected a decoder; "
            "delete it and run dvc repro"
        )
    return model


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; a pickle or a cut-off file is refused."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); "
            "delete it and run the stage that writes it"
        ) from error


def _config(model: SequenceModel) -> dict[str, Any]:
    return {
        "hidden_ids": model.item_embedding.hidden_ids,
        "new_items_may_cost": model.item_embedding.new_items_may_cost,
        "dropout": model.dropout.p,
        "max_length": model.max_length,
        **_network_config(model),
    }


def _network_config(model: SequenceModel) -> dict[str, Any]:
    if isinstance(model, LlamaRecommender):
        shape = asdict(model.shape)
        return {"kind": "decoder", "shape": shape, "layer_drop": model.layer_drop}
    first = model.first_layer
    return {
        "kind": "sasrec",
        "layers": len(model.layers),
        "heads": first.heads,
        "feed_forward": first.widen.out_features,
        "low_pass": asdict(model.low_pass_shape) if model.low_pass_shape else None,
    }


def _build(config: dict[str, Any], weights: dict[str, Tensor]) -> SequenceModel:
    """An untrained model of this config, with buffers of the shapes that its weights have."""
    text, prompt = weights.get("item_embedding.text"), weights.get("prompt")
    item_embedding = ItemEmbedding(
        trained=torch.ones(len(weights["item_embedding.source"]), dtype=torch.bool),
        width=weights["item_embedding.ids"].shape[1],
        text=None if text is None else torch.zeros_like(text),
        hidden_ids=config.pop("hidden_ids"),
    )
    item_embedding.new_items_may_cost = config.pop("new_items_may_cost")
    if config.pop("kind") == "sasrec":
        low_pass = config.pop("low_pass", None)  # which models of earlier versions do not name
        shape_of_filter = LowPassShape(**low_pass) if low_pass else None
        return SASRec(item_embedding, **config, low_pass=shape_of_filter)
    shape = DecoderShape(**config.pop("shape"))
    zeros = None if prompt is None else torch.zeros_like(prompt)
    return LlamaRecommender(item_embedding, shape, prompt=zeros, **config)


def embedding_model(item_vectors_dir: Path) -> Path:
    """The SASRec whose item embedding the decoders start from: with text, where there is one."""
    with_text = item_vectors_dir / "sasrec_text"
    return with_text if with_text.is_dir() else item_vectors_dir / "sasrec"
