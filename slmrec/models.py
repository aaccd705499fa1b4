"""Models on disk: a folder with config.json, which says how to build one, and model.safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from slmrec.errors import DataError
from slmrec.files import read_json, write_json
from slmrec.item_table import ItemTable
from slmrec.model_params import DecoderParams
from slmrec.recommender import DecoderShape, Recommender
from slmrec.sasrec import Sasrec

SequenceModel = Sasrec | Recommender  # (B, T) item indices to (B, T, E) user vectors, with a table and a max_length

NORM_EPSILON = 1e-5  # LLaMA-2's, for decoders from scratch
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}


def new_decoder(table: ItemTable, p: DecoderParams, dropout: float, layer_drop: float, max_length: int) -> Recommender:
    """A decoder from scratch, its weights drawn from torch's seed."""
    shape = DecoderShape(p.layers, p.width, p.heads, p.key_value_heads, p.feed_forward, NORM_EPSILON, ROPE)
    return Recommender(table, shape, dropout, layer_drop, max_length)


def cut_decoder(teacher: Recommender, table: ItemTable, layers: Sequence[int], dropout: float, layer_drop: float) -> Recommender:
    """A decoder over `table` that starts from the named layers of `teacher`, counted from 1, its maps, norm and prompt."""
    shape = replace(teacher.shape, layers=len(layers))
    student = Recommender(table, shape, dropout, layer_drop, teacher.max_length, teacher.prompt)
    student.start_from(teacher, layers)
    return student


def save_model(model: SequenceModel, folder: Path) -> None:
    """Write config.json and model.safetensors into an existing or new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", _config(model))
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def load_model(folder: Path) -> SequenceModel:
    """Read a model in evaluation mode on the CPU. Raises DataError when the weights do not fit the config."""
    config = read_json(folder / "config.json")
    weights = read_weights(folder / "model.safetensors")
    table = ItemTable(
        trained=torch.ones(weights["table.source"].shape[0], dtype=torch.bool),
        width=weights["table.ids"].shape[1],
        text=torch.zeros_like(weights["table.text"]) if "table.text" in weights else None,
        hidden_ids=config.pop("hidden_ids"),
    )
    table.new_items_may_cost = config.pop("new_items_may_cost")
    model = _built(config, table, torch.zeros_like(weights["prompt"]) if "prompt" in weights else None)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{folder} does not fit its config.json ({str(error).splitlines()[0]}); run the stage again") from error
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; a pickle or a cut-off file is refused."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path} is not a safetensors file ({error}); delete it and run the stage that writes it") from error


def _config(model: SequenceModel) -> dict[str, Any]:
    table = {"hidden_ids": model.table.hidden_ids, "new_items_may_cost": model.table.new_items_may_cost}
    return {**table, **_shape(model)}


def _shape(model: SequenceModel) -> dict[str, Any]:
    if isinstance(model, Recommender):
        shape = {"shape": asdict(model.shape), "dropout": model.dropout.p, "layer_drop": model.layer_drop}
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


def _built(config: dict[str, Any], table: ItemTable, prompt: Tensor | None) -> SequenceModel:
    arguments = {key: value for key, value in config.items() if key not in ("kind", "shape")}
    if config["kind"] == "sasrec":
        return Sasrec(table, **arguments)
    return Recommender(table, DecoderShape(**config["shape"]), prompt=prompt, **arguments)


def embedding_model(item_vectors: Path) -> Path:
    """The SASRec whose item table the decoders start from: the one with text, where there is one."""
    with_text = item_vectors / "sasrec_text"
    return with_text if with_text.is_dir() else item_vectors / "sasrec"


def decoder_parameters(model: nn.Module) -> int:
    """Parameters without the item table."""
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith("table."))


def table_parameters(model: nn.Module) -> int:
    """Parameters of the item table."""
    return sum(p.numel() for name, p in model.named_parameters() if name.startswith("table."))
