"""Checkpoints outside DVC's outs, keyed by the hash of what they were made from: a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from slmrec.door import cache_folder
from slmrec.files import new_file, sha256_of, sha256_of_folder
from slmrec.processes import is_first


def key_of(inputs: Iterable[Path], *settings: Any) -> str:
    """Hash of input files or folders, of the settings and of slmrec's own code: what a checkpoint is good for."""
    digest = hashlib.sha256()
    for path in [*inputs, Path(__file__).parent]:
        digest.update((sha256_of_folder(path, "*.py") if path.name == "slmrec" else _hash(path)).encode())
    digest.update(json.dumps(settings, sort_keys=True, default=lambda section: section.model_dump()).encode())
    return digest.hexdigest()[:32]


def _hash(path: Path) -> str:
    return sha256_of_folder(path, "*") if path.is_dir() else sha256_of(path)


@dataclass(frozen=True)
class Checkpoint:
    """One file that is replaced whole: tensors, and a small JSON record of where the run was."""

    path: Path

    @staticmethod
    def of(stage: str, key: str) -> Checkpoint:
        return Checkpoint(cache_folder() / "checkpoints" / stage / f"{key}.safetensors")

    @staticmethod
    def forget_all_but(stage: str, kept: Iterable[Checkpoint]) -> None:
        """Remove the checkpoints of `stage` that are not in `kept`."""
        names = {checkpoint.path.name for checkpoint in kept}
        for path in (cache_folder() / "checkpoints" / stage).iterdir():
            if path.name not in names:
                path.unlink()

    def save(self, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
        with new_file(self.path) as temporary:
            save_file(tensors, temporary, metadata={"record": json.dumps(record)})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved last, or None; a damaged file counts as none and is removed."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                record = json.loads((file.metadata() or {})["record"])
            return load_file(self.path), record
        except (SafetensorError, KeyError, ValueError):
            print(f"checkpoint {self.path.name} is damaged and is left out; the work starts over", flush=True)
            self.path.unlink()
            return None

    def clear(self) -> None:
        """Remove this stage's checkpoints: the run is complete, and older keys cannot be asked for again."""
        if not is_first():
            return  # the first process may still have to write what was trained
        shutil.rmtree(self.path.parent, ignore_errors=True)
