"""Checkpoints outside DVC's outs, keyed by what they were made from, so that a run can resume."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from slmrec.core.cache import cache_folder
from slmrec.core.checked_tensors import load_tensors, save_tensors
from slmrec.core.checksum import DamagedError
from slmrec.core.distributed import is_first


@dataclass(frozen=True)
class Checkpoint:
    """One file, replaced as a whole: tensors, and a small JSON record of where the run was."""

    path: Path

    @staticmethod
    def of(stage: str, key: str) -> Checkpoint:
        return Checkpoint(cache_folder() / "checkpoints" / stage / f"{key}.safetensors")

    @staticmethod
    def forget_all_but(stage: str, current: Iterable[Checkpoint]) -> None:
        """Remove the checkpoints of `stage` that are not among the `current` ones."""
        names = {checkpoint.path.name for checkpoint in current}
        for path in (cache_folder() / "checkpoints" / stage).iterdir():
            if path.name not in names:
                path.unlink()

    def save(self, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
        save_tensors(self.path, tensors, record)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved last, or None; a damaged file counts as none and is removed."""
        if not self.path.is_file():
            return None
        try:
            return load_tensors(self.path)
        except DamagedError:
            message = (
                f"checkpoint {self.path.name} is damaged and is left out; the work starts over"
            )
            print(message, flush=True)
            self.path.unlink()
            return None

    def clear(self) -> None:
        """Remove all checkpoints of this stage: its run is complete, so none is needed again."""
        if not is_first():
            return  # the first process may still have to write what was trained
        shutil.rmtree(self.path.parent, ignore_errors=True)
