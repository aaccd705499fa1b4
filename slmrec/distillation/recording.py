"""Recording a teacher: its outputs at every training position, in order of window and position."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from slmrec.core.progress import Progress
from slmrec.dataset.batches import make_batch
from slmrec.dataset.batching import grouped_by_length
from slmrec.dataset.histories import Histories
from slmrec.distillation.states_writer import StatesWriter, StoredOutputs, concatenate
from slmrec.distillation.teacher_outputs import TeacherEnsemble
from slmrec.distillation.teacher_states import first_rows, position_rows

POSITIONS_AT_ONCE = 3200  # read in one batch; bounds memory, changes no result


def record_outputs(ensemble: TeacherEnsemble, writer: StatesWriter, histories: Histories) -> None:
    """Read every training window of `histories` and write the outputs, shard by shard."""
    lengths, first_row = histories.windows.positions, first_rows(histories.windows)
    with torch.inference_mode(), Progress("teacher states", ensemble.shape.positions) as progress:
        for span in window_spans(lengths, ensemble.shape.shard_positions):
            # Windows of similar length are read together, so that little is computed for padding;
            # in_row_order puts them back.
            outputs, rows = [], []
            for windows in grouped_by_length(span, lengths[span], POSITIONS_AT_ONCE):
                batch = make_batch(histories, windows).to(ensemble.device)
                users = torch.from_numpy(histories.windows.row[windows]).to(ensemble.device)
                outputs.append(writer.encode(ensemble.outputs(batch.items, batch.real, users)))
                rows.append(position_rows(first_row, windows, batch.real.cpu()))
                progress.step(int(first_row[span[0]]) + sum(map(len, rows)), {})
            writer.add(in_row_order(outputs, torch.cat(rows)))
    writer.close()


def window_spans(lengths: np.ndarray, positions: int) -> Iterator[np.ndarray]:
    """Windows of these lengths in their order, in spans of about `positions` positions.

    A span starts at the window whose first position begins a new multiple of `positions`.
    """
    span = (np.cumsum(lengths) - lengths) // positions  # of each window
    starts = np.flatnonzero(np.diff(span)) + 1  # of every span but the first
    yield from np.split(np.arange(len(lengths)), starts)


def in_row_order(parts: list[StoredOutputs], rows: Tensor) -> StoredOutputs:
    """The outputs of all parts, whose rows (n,) are given, in ascending order of rows."""
    order = rows.argsort()
    return StoredOutputs(*(tensor[order] for tensor in concatenate(parts)))
