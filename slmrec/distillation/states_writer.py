"""Writes a teacher's outputs as safetensors shards of consecutive training positions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import write_json
from slmrec.dataset.histories import Histories
from slmrec.distillation.teacher_outputs import StatesShape, TeacherOutputs


class StoredOutputs(NamedTuple):
    """Teacher outputs at n positions as they lie on disk, by their names in a shard."""

    states: Tensor  # (n, K, D), in the precision of the recording
    items: Tensor  # (n, top) int32
    scores: Tensor  # (n, top), log-probabilities in the precision of the recording


class StatesWriter:
    """Collects outputs in order of their rows and writes a shard whenever one is full."""

    def __init__(self, states_dir: Path, shape: StatesShape, histories: Histories) -> None:
        self.states_dir = states_dir
        self.shape = shape
        self.windows = histories.windows.window
        self.pending: list[StoredOutputs] = []
        self.pending_rows = self.shards = 0
        self._refuse_full_disk()

    def _refuse_full_disk(self) -> None:
        self.states_dir.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.states_dir).free, self.shape.bytes()
        size = f"{needed / 2**20:.1f} MiB"
        print(f"teacher states: {self.shape.positions} positions, {size}", flush=True)
        if needed > free:
            raise UnavailableError(
                f"teacher states need {needed / 2**30:.2f} GiB, {free / 2**30:.2f} GiB are free; "
                "record fewer blocks or top items, or float16, or set record_states.keep to nothing"
            )

    def encode(self, outputs: TeacherOutputs) -> StoredOutputs:
        """The outputs as they will be written."""
        precision = getattr(torch, self.shape.precision)
        return StoredOutputs(
            outputs.states.to("cpu", precision),
            outputs.items.to("cpu", torch.int32),
            outputs.log_probs.to("cpu", precision),
        )

    def add(self, outputs: StoredOutputs) -> None:
        """Append the outputs of the next n rows."""
        self.pending.append(outputs)
        self.pending_rows += len(outputs.items)
        while self.pending_rows >= self.shape.shard_positions:
            self._write_shard(self.shape.shard_positions)

    def close(self) -> None:
        """Write the rest, and the description that readers start from."""
        if self.pending_rows:
            self._write_shard(self.pending_rows)
        windows = torch.from_numpy(self.windows.astype(np.int64))
        save_file({"window": windows}, self.states_dir / "windows.safetensors")
        write_json(self.states_dir / "states.json", vars(self.shape))

    def _write_shard(self, rows: int) -> None:
        outputs = concatenate(self.pending)
        if not (torch.isfinite(outputs.states).all() and torch.isfinite(outputs.scores).all()):
            raise DataError(
                f"teacher states do not fit {self.shape.precision}; "
                "set record_states.precision to float32"
            )
        shard = {name: part[:rows].contiguous() for name, part in outputs._asdict().items()}
        save_file(shard, self.states_dir / shard_name(self.shards))
        self.pending = [StoredOutputs(*(part[rows:] for part in outputs))]
        self.pending_rows -= rows
        self.shards += 1


def concatenate(parts: list[StoredOutputs]) -> StoredOutputs:
    """Outputs of all parts, one after the other."""
    return StoredOutputs(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"states-{number:05d}.safetensors"
