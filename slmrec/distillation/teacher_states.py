"""Teacher states: what the student imitates, recorded once for every training position.

Safetensors shards hold consecutive positions; the position p of window w stands in row
`first_row[w] + p`, so rows are found by key, and a shard is memory-mapped, not read whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import read_json, write_json
from slmrec.dataset.histories import Histories, Windows
from slmrec.distillation.teacher_outputs import StatesShape, TeacherOutputs

Packed = tuple[
    Tensor, Tensor, Tensor
]  # states (n, K, D), top items (n, top) and their scores (n, top)


class StatesWriter:
    """Collects rows in order and writes a shard whenever one is full."""

    def __init__(self, folder: Path, shape: StatesShape, histories: Histories) -> None:
        self.folder = folder
        self.shape = shape
        self.windows = histories.windows.window
        self.pending: list[Packed] = []
        self.waiting = self.shards = 0
        self._refuse_full_disk()

    def _refuse_full_disk(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.folder).free, self.shape.bytes()
        print(
            f"teacher states: {self.shape.positions} positions, {needed / 2**20:.1f} MiB",
            flush=True,
        )
        if needed > free:
            raise UnavailableError(
                f"teacher states need {needed / 2**30:.2f} GiB, {free / 2**30:.2f} GiB are free; "
                "record fewer blocks or top items, or float16, or set record_states.keep to nothing"
            )

    def packed(self, rows: TeacherOutputs) -> Packed:
        """States, items and scores as they will be written."""
        kind = getattr(torch, self.shape.precision)
        return (
            rows.states.to("cpu", kind),
            rows.items.to("cpu", torch.int32),
            rows.scores.to("cpu", kind),
        )

    def add(self, rows: Packed) -> None:
        """Append n rows, in order of key."""
        self.pending.append(rows)
        self.waiting += len(rows[1])
        while self.waiting >= self.shape.shard_positions:
            self._write_shard(self.shape.shard_positions)

    def close(self) -> None:
        """Write the rest and the description that readers start from."""
        if self.waiting:
            self._write_shard(self.waiting)
        save_file(
            {"window": torch.from_numpy(self.windows.astype(np.int64))},
            self.folder / "windows.safetensors",
        )
        write_json(self.folder / "states.json", vars(self.shape))

    def _write_shard(self, rows: int) -> None:
        states, items, scores = (torch.cat(parts) for parts in zip(*self.pending, strict=True))
        for tensor in (states, scores):
            if not torch.isfinite(tensor).all():
                raise DataError(
                    f"teacher states do not fit {self.shape.precision}; set record_states.precision to float32"
                )
        shard = {
            "states": states[:rows].contiguous(),
            "items": items[:rows].contiguous(),
            "scores": scores[:rows].contiguous(),
        }
        save_file(shard, self.folder / shard_name(self.shards))
        self.pending = [(states[rows:], items[rows:], scores[rows:])]
        self.waiting -= rows
        self.shards += 1


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"states-{number:05d}.safetensors"


class TeacherStates:
    """PrefixKV states, looked up by window and position."""

    def __init__(self, folder: Path, histories: Histories) -> None:
        self.shape = StatesShape(**read_json(folder / "states.json"))
        self.first_row = first_rows(histories.windows)
        self._refuse_other_windows(folder, histories)
        shards = -(-self.shape.positions // self.shape.shard_positions)
        self.shards = [_mapped(folder / shard_name(number)) for number in range(shards)]

    def _refuse_other_windows(self, folder: Path, histories: Histories) -> None:
        recorded = _mapped(folder / "windows.safetensors")["window"].numpy()
        if self.first_row[-1] != self.shape.positions or not np.array_equal(
            recorded, histories.windows.window
        ):
            raise DataError(
                f"{self.first_row[-1]} training positions in {len(histories.windows.window)} windows, but teacher states "
                f"for {self.shape.positions} in {len(recorded)}; run dvc repro record_states"
            )

    def rows(self, windows: Tensor, real: Tensor) -> TeacherOutputs:
        """The teacher at the real positions of windows (B,), in the order of `real` (B, T).  # n = real.sum()"""
        keys = rows_at(self.first_row, windows.numpy(), real)  # (n,)
        parts = {name: self._gather(name, keys) for name in ("states", "items", "scores")}
        return TeacherOutputs(
            parts["states"].float(), parts["items"].long(), parts["scores"].float()
        )

    def _gather(self, name: str, keys: Tensor) -> Tensor:
        shard, row = keys // self.shape.shard_positions, keys % self.shape.shard_positions
        out = self.shards[0][name].new_empty((len(keys), *self.shards[0][name].shape[1:]))
        for number in shard.unique().tolist():
            here = shard == number
            out[here] = self.shards[number][name][row[here]]
        return out


def _mapped(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, backed by the file's pages."""
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); run dvc repro --force record_states"
        ) from error


def in_order(read: list[Packed], places: Tensor) -> Packed:
    """Rows that were read in some order, in the order of their places (n,)."""
    order = places.argsort()
    states, items, scores = (torch.cat(parts)[order] for parts in zip(*read, strict=True))
    return states, items, scores


def spans_of(histories: Histories, positions: int) -> Iterator[np.ndarray]:
    """Rows of the windows in their order, in spans of about `positions` training positions."""
    yield from np.split(
        np.arange(len(histories.windows.row)), _starts(histories.windows.positions, positions)
    )


def _starts(lengths: np.ndarray, positions: int) -> np.ndarray:
    """Where each span but the first starts: at the windows whose positions begin a new multiple of `positions`."""
    span = (np.cumsum(lengths) - lengths) // positions
    return np.flatnonzero(np.diff(span)) + 1


def first_rows(windows: Windows) -> np.ndarray:
    """The row of each window's first position, and the number of all rows.  # (W + 1,)"""
    return np.concatenate([[0], np.cumsum(windows.positions)])


def rows_at(first_row: np.ndarray, windows: np.ndarray, real: Tensor) -> Tensor:
    """The rows of the real positions of windows (B,), in the order of `real` (B, T).  # n = real.sum()"""
    return (torch.from_numpy(first_row[windows])[:, None] + torch.arange(real.shape[1]))[real]
