"""The teacher's outputs without a disk: computed where they are read, from the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from slmrec.core.files import read_json, write_json
from slmrec.dataset.batches import make_batch
from slmrec.dataset.histories import Histories
from slmrec.distillation.teacher_outputs import StatesShape, TeacherEnsemble, TeacherOutputs
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.models.ensemble import load_members, save_members
from slmrec.models.factory import SequenceModel
from slmrec.models.llama import LlamaRecommender
from slmrec.neighbours.cross_fitted import CrossFittedNeighbours


class LiveTeacher:
    """The teacher, run over the windows of each batch: for outputs that do not fit the disk."""

    def __init__(self, ensemble: TeacherEnsemble, histories: Histories) -> None:
        self.ensemble = ensemble
        self.histories = histories
        self.shape = ensemble.shape

    def outputs(self, windows: Tensor, real: Tensor) -> TeacherOutputs:
        """Outputs at the real positions (B, T) of windows (B,), in order.  # n = real.sum()

        From the inputs as the histories have them: a student's batch may hide some as unknown.
        """
        places, device = windows.cpu().numpy(), self.ensemble.device
        items = make_batch(self.histories, places).items.to(device)
        users = torch.from_numpy(self.histories.windows.row[places]).to(device)
        return self.ensemble.outputs(items, real, users)


# A trained teacher whose outputs a student reads by window and position.
OfflineTeacher = TeacherStates | LiveTeacher


def write_live_teacher(
    states_dir: Path,
    shape: StatesShape,
    members: Sequence[SequenceModel],
    neighbours: CrossFittedNeighbours | None,
) -> None:
    """Write what a LiveTeacher needs beside the teacher."""
    if neighbours is not None:
        neighbours.save(states_dir)
    write_json(states_dir / "states.json", vars(shape))
    save_members(states_dir, dict(enumerate(members)))


def open_states(
    states_dir: Path, histories: Histories, teacher: LlamaRecommender
) -> OfflineTeacher:
    """What `record_states` left for a student: recorded outputs, or the models to compute them."""
    shape = StatesShape(**read_json(states_dir / "states.json"))
    if shape.keep == "disk":
        return TeacherStates(states_dir, histories)
    device = teacher.item_embedding.source.device
    members = [model.to(device) for model in load_members(states_dir)]
    neighbours = CrossFittedNeighbours.load(states_dir)
    if neighbours is not None:
        neighbours = neighbours.to(device)
    return LiveTeacher(TeacherEnsemble(teacher, members, neighbours, shape), histories)
