"""Recorded teacher outputs, looked up by window and position.

Shards hold consecutive positions; the position p of window w stands in row `first_row[w] + p`, so
rows are found by key, and a shard is memory-mapped, not read whole.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from slmrec.core.errors import DataError
from slmrec.core.files import read_json
from slmrec.dataset.histories import Histories, Windows
from slmrec.distillation.states_writer import shard_name
from slmrec.distillation.teacher_outputs import StatesShape, TeacherOutputs


class TeacherStates:
    """Outputs that `record_states` wrote for the training windows of these histories.

    Raises DataError when they were recorded for other windows.
    """

    def __init__(self, states_dir: Path, histories: Histories) -> None:
        self.shape = StatesShape(**read_json(states_dir / "states.json"))
        self.first_row = first_rows(histories.windows)
        self._refuse_other_windows(states_dir, histories.windows)
        shards = -(-self.shape.positions // self.shape.shard_positions)
        self.shards = [_map_file(states_dir / shard_name(number)) for number in range(shards)]

    def _refuse_other_windows(self, states_dir: Path, windows: Windows) -> None:
        recorded = _map_file(states_dir / "windows.safetensors")["window"].numpy()
        positions = self.first_row[-1]
        if positions != self.shape.positions or not np.array_equal(recorded, windows.window):
            raise DataError(
                f"{positions} training positions in {len(windows.window)} windows, "
                f"but teacher states for {self.shape.positions} in {len(recorded)}; "
                "run dvc repro record_states"
            )

    def outputs(self, windows: Tensor, real: Tensor) -> TeacherOutputs:
        """Outputs at the real positions (B, T) of windows (B,), in order.  # n = real.sum()"""
        rows = position_rows(self.first_row, windows.numpy(), real)  # (n,)
        states, items, scores = (self._gather(name, rows) for name in ("states", "items", "scores"))
        return TeacherOutputs(states.float(), items.long(), scores.float())

    def _gather(self, name: str, rows: Tensor) -> Tensor:
        """One tensor of the shards at these rows.  # (n, ...)"""
        shards, shard_rows = rows // self.shape.shard_positions, rows % self.shape.shard_positions
        gathered = self.shards[0][name].new_empty((len(rows), *self.shards[0][name].shape[1:]))
        for number in shards.unique().tolist():
            in_shard = shards == number
            gathered[in_shard] = self.shards[number][name][shard_rows[in_shard]]
        return gathered


def first_rows(windows: Windows) -> np.ndarray:
    """The row of each window's first position, and the number of all rows.  # (W + 1,)"""
    return np.concatenate([[0], np.cumsum(windows.positions)])


def position_rows(first_row: np.ndarray, windows: np.ndarray, real: Tensor) -> Tensor:
    """Rows of the real positions (B, T) of windows (B,), in order.  # n = real.sum()"""
    return (torch.from_numpy(first_row[windows])[:, None] + torch.arange(real.shape[1]))[real]


def _map_file(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, backed by the file's pages."""
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()  # `file` is no dict, and cannot be iterated itself
            return {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); run dvc repro --force record_states"
        ) from error
