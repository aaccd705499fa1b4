"""Tensors in a safetensors file with a checksum over all that is read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from slmrec.core.checksum import DamagedError, checksum_of_parts
from slmrec.core.files import new_file


def save_tensors(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write tensors and a JSON record of any kind as one file, complete or not at all."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record)
    metadata = {"record": text, "checksum": _checksum(on_cpu, text)}
    with new_file(path) as temporary:
        save_file(on_cpu, temporary, metadata=metadata)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_tensors` wrote. Raises DamagedError when a bit of it is another."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
        if _checksum(tensors, metadata["record"]) == metadata["checksum"]:
            return tensors, json.loads(metadata["record"])
    except (SafetensorError, KeyError, ValueError):
        pass
    raise DamagedError(path)


def _checksum(tensors: Mapping[str, Tensor], record: str) -> str:
    """Over names, types, shapes and values, and over the record."""
    parts = {
        f"{name} {tensor.dtype} {list(tensor.shape)}": _bytes(tensor)
        for name, tensor in tensors.items()
    }
    return checksum_of_parts({**parts, "record": memoryview(record.encode())})


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data
