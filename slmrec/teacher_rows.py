"""The teacher's rows without a disk: computed wherever they are read, from the same inputs as recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from slmrec.batches import make_batch
from slmrec.ensemble import load_members, save_members
from slmrec.files import read_json, write_json
from slmrec.histories import Histories
from slmrec.models import SequenceModel
from slmrec.ranking import trained_rows
from slmrec.recommender import Recommender
from slmrec.states import StatesShape, TeacherRows, TeacherStates


def rows_of(vectors: Tensor, states: Sequence[Tensor], real: Tensor, known: Tensor, table: Tensor, top: int) -> TeacherRows:
    """A teacher's rows at the real positions of what it read: its states, and the logarithms of its best items' shares.

    vectors (B, T, E) and states K of (B, T, D); known (C,) are the items that training knows, table (C, E) their vectors.
    """
    best = torch.topk(torch.log_softmax(vectors[real] @ table.T, dim=1), top, dim=1)
    return TeacherRows(torch.stack([state[real] for state in states], dim=1), known[best.indices], best.values)


class TeacherReader:
    """The teacher's states, and the scores of the ensemble that it forms with the models `beside` it, if any.

    Vectors and tables of all members stand side by side, so that one product of width (1 + len(beside)) * E is their mean score.
    """

    def __init__(self, teacher: Recommender, beside: Sequence[SequenceModel], shape: StatesShape) -> None:
        self.teacher = teacher.eval()
        self.beside = [model.eval() for model in beside]
        self.shape = shape
        self.known = trained_rows(teacher.table)
        with torch.inference_mode():
            self.table = torch.cat([model.table(self.known) for model in (teacher, *beside)], dim=1)

    @torch.no_grad()
    def read(self, items: Tensor, real: Tensor) -> TeacherRows:
        """Rows at the real positions of items (B, T), in the order of `real` (B, T).  # n = real.sum()"""
        vectors, states = self.teacher.read(items, self.shape.blocks)
        members = [vectors, *(model(items) for model in self.beside)]
        return rows_of(torch.cat(members, dim=2) / len(members), states, real, self.known, self.table, self.shape.top)


class ComputedStates:
    """The teacher, run over the windows of each batch: for data whose states do not fit the disk."""

    def __init__(self, reader: TeacherReader, histories: Histories) -> None:
        self.reader = reader
        self.histories = histories
        self.shape = reader.shape

    def rows(self, windows: Tensor, real: Tensor) -> TeacherRows:
        """The teacher at the real positions of windows (B,), in the order of `real` (B, T).  # n = real.sum()"""
        items = make_batch(self.histories, windows.cpu().numpy()).items.to(self.reader.known.device)
        return self.reader.read(items, real)


def promise_states(folder: Path, shape: StatesShape, beside: Sequence[SequenceModel]) -> None:
    """Write what computing states later needs beside the teacher."""
    write_json(folder / "states.json", vars(shape))
    save_members(folder, dict(enumerate(beside)))


def open_states(folder: Path, histories: Histories, teacher: Recommender) -> TeacherStates | ComputedStates:
    """What `record_states` left for a student: recorded states, or the promise to compute them."""
    shape = StatesShape(**read_json(folder / "states.json"))
    if shape.keep == "disk":
        return TeacherStates(folder, histories)
    beside = [model.to(teacher.table.source.device) for model in load_members(folder)]
    return ComputedStates(TeacherReader(teacher, beside, shape), histories)


@dataclass(frozen=True)
class Given:
    """Rows that are already there."""

    given: TeacherRows

    def rows(self, windows: Tensor, real: Tensor) -> TeacherRows:
        """The rows, whatever is asked."""
        return self.given
