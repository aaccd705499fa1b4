"""Folders of pretrained models, as transformers writes them: found or fetched, and their files.

A folder holds config.json, safetensors and, where a prompt is wanted, a tokenizer. Pickled weights
are not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from slmrec.core.errors import DataError, UnavailableError, UsageError
from slmrec.core.files import read_json
from slmrec.params.train_teacher import FolderParams, HubParams, Pretrained
from slmrec.pretrained.smollm2 import smollm2_folder


def model_folder(p: Pretrained) -> Path:
    """The folder of the model that a params section names, fetched first where it must be."""
    if isinstance(p, HubParams):
        return hub_folder(p)
    return local_folder(p) if isinstance(p, FolderParams) else smollm2_folder()


def local_folder(p: FolderParams) -> Path:
    """The folder that params name. Raises UsageError where it holds no model."""
    folder = Path(p.path)
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"train_teacher.backbone.path is {p.path}, which holds no config.json; "
            "give a folder that transformers wrote"
        )
    return folder


def hub_folder(p: HubParams) -> Path:
    """A model's safetensors, config and tokenizer from the hub, or from the hub's own cache.

    Raises UnavailableError where they cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.json", "*.safetensors"]
    try:
        return Path(snapshot_download(p.id, revision=p.revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UnavailableError(
            f"{p.id} at {p.revision} could not be fetched ({reason}); check the id and the network"
        ) from error


def weight_files(folder: Path) -> dict[str, Path]:
    """The safetensors file that holds each weight. Raises UsageError where there is none."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return {name: folder / file for name, file in read_json(index)["weight_map"].items()}
    single = folder / "model.safetensors"
    if not single.is_file():
        raise UsageError(
            f"{folder} holds no model.safetensors; "
            "save the model with transformers' save_pretrained"
        )
    with open_weights(single) as weights:
        return dict.fromkeys(weights.keys(), single)


def open_weights(path: Path) -> Any:
    """Open a safetensors file to read single weights. Raises DataError where it is damaged."""
    try:
        return safe_open(path, "pt")
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); fetch the model again"
        ) from error
