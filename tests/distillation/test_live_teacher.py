"""Outputs that are computed where they are read are the recorded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.dataset.batches import make_batch
from slmrec.distillation.live_teacher import LiveTeacher, open_states
from slmrec.distillation.teacher_states import TeacherStates
from tests.support.models import small_sasrec
from tests.support.teachers import HISTORIES, KEEP_NOTHING, record_teacher, teacher


@pytest.mark.parametrize("seeds", [[], [2, 3]])
def test_computed_outputs_are_the_recorded_ones_and_no_state_is_written(
    tmp_path: Path, seeds: list[int]
) -> None:
    members = [small_sasrec(seed) for seed in seeds]
    recorded = open_states(record_teacher(tmp_path / "disk", members), HISTORIES, teacher())
    live_dir = record_teacher(tmp_path / "nothing", members, KEEP_NOTHING)
    files = {"members.json", "states.json"} | {str(number) for number in range(len(seeds))}
    assert {path.name for path in live_dir.iterdir()} == files
    live = open_states(live_dir, HISTORIES, teacher())
    assert isinstance(recorded, TeacherStates) and isinstance(live, LiveTeacher)
    batch = make_batch(HISTORIES, np.array([7, 2, 30]))
    expected, outputs = (t.outputs(batch.windows, batch.real) for t in (recorded, live))
    torch.testing.assert_close(outputs.states, expected.states)
    torch.testing.assert_close(outputs.log_probs, expected.log_probs)
    assert torch.equal(outputs.items, expected.items)


def test_the_teacher_reads_what_a_students_batch_hides(tmp_path: Path) -> None:
    live = open_states(record_teacher(tmp_path, p=KEEP_NOTHING), HISTORIES, teacher())
    batch = make_batch(HISTORIES, np.arange(4))
    hidden = batch.with_unknowns(1.0, torch.Generator())
    outputs = live.outputs(hidden.windows, hidden.real)
    assert torch.equal(outputs.states, live.outputs(batch.windows, batch.real).states)
