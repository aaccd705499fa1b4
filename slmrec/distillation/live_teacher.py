"""The teacher's rows without a disk: computed wherever they are read, from the same inputs as recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from slmrec.core.files import read_json, write_json
from slmrec.dataset.batches import make_batch
from slmrec.dataset.histories import Histories
from slmrec.distillation.teacher_outputs import StatesShape, TeacherOutputs, TeacherReader
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.models.ensemble import load_members, save_members
from slmrec.models.factory import SequenceModel
from slmrec.models.llama import LlamaRecommender


class LiveTeacher:
    """The teacher, run over the windows of each batch: for data whose states do not fit the disk."""

    def __init__(self, reader: TeacherReader, histories: Histories) -> None:
        self.reader = reader
        self.histories = histories
        self.shape = reader.shape

    def rows(self, windows: Tensor, real: Tensor) -> TeacherOutputs:
        """The teacher at the real positions of windows (B,), in the order of `real` (B, T).  # n = real.sum()"""
        items = make_batch(self.histories, windows.cpu().numpy()).items.to(self.reader.known.device)
        return self.reader.read(items, real)


def promise_states(folder: Path, shape: StatesShape, beside: Sequence[SequenceModel]) -> None:
    """Write what computing states later needs beside the teacher."""
    write_json(folder / "states.json", vars(shape))
    save_members(folder, dict(enumerate(beside)))


def open_states(
    folder: Path, histories: Histories, teacher: LlamaRecommender
) -> TeacherStates | LiveTeacher:
    """What `record_states` left for a student: recorded states, or the promise to compute them."""
    shape = StatesShape(**read_json(folder / "states.json"))
    if shape.keep == "disk":
        return TeacherStates(folder, histories)
    beside = [model.to(teacher.item_embedding.source.device) for model in load_members(folder)]
    return LiveTeacher(TeacherReader(teacher, beside, shape), histories)


@dataclass(frozen=True)
class Given:
    """Rows that are already there."""

    given: TeacherOutputs

    def rows(self, windows: Tensor, real: Tensor) -> TeacherOutputs:
        """The rows, whatever is asked."""
        return self.given
