"""Recorded states are found by window and position, and those of other windows are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.core.errors import DataError
from slmrec.dataset.batches import make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.dataset.histories import Windows
from slmrec.distillation.teacher_outputs import TeacherEnsemble
from slmrec.distillation.teacher_states import TeacherStates, first_rows, position_rows
from tests.support.histories import ring_histories
from tests.support.models import ITEMS, MAX_LENGTH
from tests.support.teachers import HISTORIES, record_teacher, teacher


def test_recorded_outputs_are_the_teachers_own_whatever_the_batch(recorded_dir: Path) -> None:
    states = TeacherStates(recorded_dir, HISTORIES)
    ensemble = TeacherEnsemble(teacher(), [], None, states.shape)
    for rows in batches_of_epoch(HISTORIES, 60, seed=3, epoch=0):
        batch = make_batch(HISTORIES, rows)
        outputs = states.outputs(batch.windows, batch.real)
        expected = ensemble.outputs(
            batch.items, batch.real, torch.from_numpy(HISTORIES.windows.row[batch.windows.numpy()])
        )
        torch.testing.assert_close(outputs.states, expected.states)
        torch.testing.assert_close(outputs.log_probs, expected.log_probs)
        assert torch.equal(outputs.items, expected.items)


def test_a_window_starts_in_the_row_after_those_of_all_windows_before() -> None:
    zeros = np.zeros(3, dtype=np.int64)
    windows = Windows(zeros, zeros, np.array([0, 4, 0]), np.array([3, 5, 6]))
    # positions: 3 - 0 - 1, 5 - 4 - 1 and 6 - 0 - 1
    assert first_rows(windows).tolist() == [0, 2, 2, 7]


def test_the_rows_of_a_batch_are_those_of_its_real_positions() -> None:
    real = torch.tensor([[True, True, False], [True, True, True]])
    first_row = np.array([0, 2, 5])
    assert position_rows(first_row, np.array([0, 1]), real).tolist() == [0, 1, 2, 3, 4]
    assert position_rows(first_row, np.array([1, 0]), real).tolist() == [2, 3, 0, 1, 2]


def test_states_of_other_windows_are_refused(recorded_dir: Path) -> None:
    others = ring_histories(39, ITEMS - 2, MAX_LENGTH)
    with pytest.raises(DataError, match="run dvc repro record_states"):
        TeacherStates(recorded_dir, others)


def test_states_of_as_many_positions_in_windows_of_other_numbers_are_refused(
    recorded_dir: Path,
) -> None:
    histories = ring_histories(40, ITEMS - 2, MAX_LENGTH)
    histories.windows.window[[0, 1]] = histories.windows.window[[1, 0]]
    with pytest.raises(DataError, match="positions in 40 windows, but teacher states for"):
        TeacherStates(recorded_dir, histories)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    record_teacher(tmp_path)
    shard = tmp_path / "states-00001.safetensors"
    shard.write_bytes(shard.read_bytes()[:50])
    with pytest.raises(DataError, match=r"states-00001\.safetensors is not a safetensors file"):
        TeacherStates(tmp_path, HISTORIES)
