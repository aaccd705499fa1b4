"""What the student imitates, recorded once: the teacher's block states and top scores at every training position."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from slmrec.core.errors import DataError
from slmrec.core.files import new_folder
from slmrec.core.progress import Progress
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import by_length, make_batch
from slmrec.dataset.histories import Histories, read_histories
from slmrec.distillation.live_teacher import promise_states
from slmrec.distillation.teacher_outputs import StatesShape, TeacherReader
from slmrec.distillation.teacher_states import StatesWriter, first_rows, in_order, rows_at, spans_of
from slmrec.models.ensemble import load_members
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import trained_rows
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.training.device import start_torch

POSITIONS_AT_ONCE = 3200  # bounds memory, changes no result


def record_states(
    teacher: LlamaRecommender,
    beside: Sequence[SequenceModel],
    histories: Histories,
    p: RecordStatesParams,
    folder: Path,
) -> None:
    """Write the rows of the teacher, and of the models `beside` it, for every training position, in order of (window, position).

    Where nothing is kept, only what is needed to compute them.
    """
    known = trained_rows(teacher.item_embedding)
    if p.top > len(known):
        raise DataError(
            f"record_states.top is {p.top}, but training knows only {len(known)} items; lower it"
        )
    lengths = histories.windows.positions
    shape = StatesShape(
        int(lengths.sum()),
        p.blocks,
        teacher.shape.width,
        p.top,
        p.precision,
        p.shard_positions,
        p.keep,
    )
    if p.keep == "nothing":
        promise_states(folder, shape, beside)
        return
    writer, reader = StatesWriter(folder, shape, histories), TeacherReader(teacher, beside, shape)
    with torch.inference_mode(), Progress("teacher states", shape.positions) as progress:
        first_row = first_rows(histories.windows)
        for span in spans_of(histories, p.shard_positions):
            # Windows of similar length are read together, so that hardly anything is computed for
            # padding, and put in order here.
            read, places = [], []
            for rows in by_length(span, lengths[span], POSITIONS_AT_ONCE):
                batch = make_batch(histories, rows).to(known.device)
                read.append(writer.packed(reader.read(batch.items, batch.real)))
                places.append(rows_at(first_row, rows, batch.real.cpu()))
                progress.step(int(first_row[span[0]]) + sum(map(len, places)), {})
            writer.add(in_order(read, torch.cat(places)))
    writer.close()


def main(histories: Path, ensemble: Path, teacher: Path, *, teacher_states: Path) -> None:
    """Read the teacher, and its ensemble, once over the training windows of `histories`; write safetensors shards to `teacher_states`."""
    device = start_torch(ComputeParams.read())
    p = RecordStatesParams.read()
    model = load_model(teacher)
    if not isinstance(model, LlamaRecommender) or max(p.blocks) > len(model.layers):
        raise DataError(
            f"record_states.blocks names layer {max(p.blocks)}, the teacher in {teacher} has no such layer"
        )
    with new_folder(teacher_states) as folder:
        beside = [other.to(device) for other in load_members(ensemble)]
        record_states(model.to(device), beside, read_histories(histories), p, folder)


if __name__ == "__main__":
    run_stage(main)
