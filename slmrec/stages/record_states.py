"""What students imitate, recorded once: the teacher's block states and its best items' scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slmrec.core.errors import DataError
from slmrec.core.files import new_folder
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.distillation.live_teacher import write_live_teacher
from slmrec.distillation.recording import record_outputs
from slmrec.distillation.states_writer import StatesWriter
from slmrec.distillation.teacher_outputs import StatesShape, TeacherEnsemble
from slmrec.models.ensemble import load_members
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import training_candidates
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_decoder
from slmrec.neighbours.cross_fitted import CrossFittedNeighbours
from slmrec.params.compute import ComputeParams
from slmrec.params.neighbours import NeighboursParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.training.device import start_torch


def record_states(
    teacher: LlamaRecommender,
    members: Sequence[SequenceModel],
    neighbours: CrossFittedNeighbours | None,
    histories: Histories,
    p: RecordStatesParams,
    folder: Path,
) -> None:
    """Write the outputs of the teacher, and of the ensemble it forms with others, to `folder`.

    There is a row for every training position; with keep: nothing, what is needed to compute them.
    """
    known_items = len(training_candidates(teacher.item_embedding))
    if p.top > known_items:
        raise DataError(
            f"record_states.top is {p.top}, but training knows only {known_items} items; lower it"
        )
    if max(p.blocks) > len(teacher.layers):
        raise DataError(
            f"record_states.blocks names layer {max(p.blocks)}, "
            f"but the teacher has {len(teacher.layers)} layers; lower it"
        )
    shape = StatesShape(
        positions=int(histories.windows.positions.sum()),
        blocks=p.blocks,
        width=teacher.shape.width,
        top=p.top,
        precision=p.precision,
        shard_positions=p.shard_positions,
        keep=p.keep,
    )
    if p.keep == "nothing":
        write_live_teacher(folder, shape, members, neighbours)
        return
    writer = StatesWriter(folder, shape, histories)
    record_outputs(TeacherEnsemble(teacher, members, neighbours, shape), writer, histories)


def neighbour_member(
    teacher: LlamaRecommender, histories: Histories, graphs: NeighboursParams, p: RecordStatesParams
) -> CrossFittedNeighbours | None:
    """Neighbours as the section asks for them, on the teacher's device."""
    if p.neighbours is None:
        return None
    vectors = teacher.item_embedding.source
    found = CrossFittedNeighbours.of(histories, len(vectors), graphs, p.neighbours)
    return found.to(vectors.device)


def main(
    histories_dir: Path, ensemble_dir: Path, teacher_dir: Path, *, teacher_states_dir: Path
) -> None:
    """Read the teacher and its ensemble once over the training windows; write the shards."""
    device = start_torch(ComputeParams.read())
    p = RecordStatesParams.read()
    teacher = load_decoder(teacher_dir).to(device)
    members = [member.to(device) for member in load_members(ensemble_dir)]
    histories = read_histories(histories_dir)
    neighbours = neighbour_member(teacher, histories, NeighboursParams.read(), p)
    with new_folder(teacher_states_dir) as folder:
        record_states(teacher, members, neighbours, histories, p, folder)


if __name__ == "__main__":
    run_stage(main)
