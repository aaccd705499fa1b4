"""Models on disk: a folder with config.json, which says how to build one, and model.safetensors."""

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
from slmrec.models.sasrec import SASRec


def save_model(model: SequenceModel, folder: Path) -> None:
    """Write config.json and model.safetensors into an existing or new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", _config(model))
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def load_model(folder: Path) -> SequenceModel:
    """Read a model in evaluation mode on the CPU. Raises DataError when the weights do not fit the config."""
    config = read_json(folder / "config.json")
    weights = read_weights(folder / "model.safetensors")
    item_embedding = ItemEmbedding(
        trained=torch.ones(weights["item_embedding.source"].shape[0], dtype=torch.bool),
        width=weights["item_embedding.ids"].shape[1],
        text=torch.zeros_like(weights["item_embedding.text"])
        if "item_embedding.text" in weights
        else None,
        hidden_ids=config.pop("hidden_ids"),
    )
    item_embedding.new_items_may_cost = config.pop("new_items_may_cost")
    model = _built(
        config, item_embedding, torch.zeros_like(weights["prompt"]) if "prompt" in weights else None
    )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(
            f"{folder} does not fit its config.json ({str(error).splitlines()[0]}); run the stage again"
        ) from error
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; a pickle or a cut-off file is refused."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); delete it and run the stage that writes it"
        ) from error


def _config(model: SequenceModel) -> dict[str, Any]:
    item_embedding = {
        "hidden_ids": model.item_embedding.hidden_ids,
        "new_items_may_cost": model.item_embedding.new_items_may_cost,
    }
    return {**item_embedding, **_shape(model)}


def _shape(model: SequenceModel) -> dict[str, Any]:
    if isinstance(model, LlamaRecommender):
        shape = {
            "shape": asdict(model.shape),
            "dropout": model.dropout.p,
            "layer_drop": model.layer_drop,
        }
        return {"kind": "decoder", "max_length": model.max_length, **shape}
    first = model.first_layer
    return {
        "kind": "sasrec",
        "layers": len(model.layers),
        "heads": first.heads,
        "feed_forward": first.widen.out_features,
        "dropout": model.dropout.p,
        "max_length": model.max_length,
    }


def _built(
    config: dict[str, Any], item_embedding: ItemEmbedding, prompt: Tensor | None
) -> SequenceModel:
    arguments = {key: value for key, value in config.items() if key not in ("kind", "shape")}
    if config["kind"] == "sasrec":
        return SASRec(item_embedding, **arguments)
    return LlamaRecommender(
        item_embedding, DecoderShape(**config["shape"]), prompt=prompt, **arguments
    )


def embedding_model(item_vectors: Path) -> Path:
    """The SASRec whose item table the decoders start from: the one with text, where there is one."""
    with_text = item_vectors / "sasrec_text"
    return with_text if with_text.is_dir() else item_vectors / "sasrec"
