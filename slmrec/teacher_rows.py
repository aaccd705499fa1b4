"""The teacher's rows without a disk: computed wherever they are read, from the same inputs as recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from slmrec.batches import make_batch
from slmrec.files import read_json
from slmrec.histories import Histories
from slmrec.ranking import trained_rows
from slmrec.recommender import Recommender
from slmrec.states import StatesShape, TeacherRows, TeacherStates


def rows_of(vectors: Tensor, states: Sequence[Tensor], real: Tensor, known: Tensor, table: Tensor, top: int) -> TeacherRows:
    """A teacher's rows at the real positions of what it read: its states, and the logarithms of its best items' shares.

    vectors (B, T, E) and states K of (B, T, D); known (C,) are the items that training knows, table (C, E) their vectors.
    """
    best = torch.topk(torch.log_softmax(vectors[real] @ table.T, dim=1), top, dim=1)
    return TeacherRows(torch.stack([state[real] for state in states], dim=1), known[best.indices], best.values)


class ComputedStates:
    """The teacher, run over the windows of each batch: for data whose states do not fit the disk."""

    def __init__(self, teacher: Recommender, histories: Histories, shape: StatesShape) -> None:
        self.teacher = teacher.eval()
        self.histories = histories
        self.shape = shape
        self.known = trained_rows(teacher.table)
        with torch.inference_mode():
            self.table = teacher.table(self.known)

    def rows(self, windows: Tensor, real: Tensor) -> TeacherRows:
        """The teacher at the real positions of windows (B,), in the order of `real` (B, T).  # n = real.sum()"""
        items = make_batch(self.histories, windows.cpu().numpy()).items.to(self.known.device)
        with torch.no_grad():
            vectors, states = self.teacher.read(items, self.shape.blocks)
            return rows_of(vectors, states, real, self.known, self.table, self.shape.top)


def open_states(folder: Path, histories: Histories, teacher: Recommender) -> TeacherStates | ComputedStates:
    """What `record_states` left for a student: recorded states, or the promise to compute them."""
    shape = StatesShape(**read_json(folder / "states.json"))
    return TeacherStates(folder, histories) if shape.keep == "disk" else ComputedStates(teacher, histories, shape)


@dataclass(frozen=True)
class Given:
    """Rows that are already there."""

    given: TeacherRows

    def rows(self, windows: Tensor, real: Tensor) -> TeacherRows:
        """The rows, whatever is asked."""
        return self.given
