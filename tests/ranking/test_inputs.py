"""Targets by their inputs: each comes once, with its own input and item; samples of targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slmrec.dataset.histories import Targets
from slmrec.ranking.inputs import batches_by_input, sample_targets
from tests.support.histories import histories_of

HISTORIES = histories_of([[2, 3, 4, 5], [5, 4, 3, 2], [6, 6, 6, 6]], max_length=3)
# Users 0 and 1 have two targets after the same moment, user 2 has one; not in the users' order.
TARGETS = Targets(
    row=np.array([2, 0, 1, 0, 1]),
    position=np.array([3, 2, 2, 3, 3]),
    input_stop=np.array([1, 2, 1, 2, 1]),
)


@pytest.mark.parametrize("inputs_at_once", [1, 2, 64])
def test_every_target_comes_once_with_its_input_and_its_item(
    monkeypatch: pytest.MonkeyPatch, inputs_at_once: int
) -> None:
    monkeypatch.setattr("slmrec.ranking.inputs.INPUTS_AT_ONCE", inputs_at_once)
    predicted = {}
    for batch in batches_by_input(HISTORIES, TARGETS):
        assert len(batch.rows) <= inputs_at_once
        inputs = list(zip(batch.rows.tolist(), batch.stops.tolist(), strict=True))
        for place, line, item in zip(
            batch.targets.tolist(),
            batch.input_of_target.tolist(),
            batch.target_items.tolist(),
            strict=True,
        ):
            predicted[place] = (*inputs[line], item)
    # (row, stop, item) of each target
    assert predicted == {0: (2, 1, 6), 1: (0, 2, 4), 2: (1, 1, 3), 3: (0, 2, 5), 4: (1, 1, 2)}


def test_targets_of_one_moment_share_their_input_and_short_inputs_come_first() -> None:
    (batch,) = batches_by_input(HISTORIES, TARGETS)
    assert batch.rows.tolist() == [1, 2, 0]  # three inputs for five targets
    assert batch.stops.tolist() == [1, 1, 2]


def test_without_targets_there_is_no_batch() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert list(batches_by_input(HISTORIES, Targets(nothing, nothing, nothing))) == []


def test_a_sample_takes_one_target_of_every_user_before_a_second_of_any() -> None:
    many = Targets(np.repeat(np.arange(4), 5), np.arange(20), np.arange(20))
    assert sample_targets(many, 4, seed=1).row.tolist() == [0, 1, 2, 3]
    assert sorted(np.bincount(sample_targets(many, 11, seed=1).row)) == [2, 3, 3, 3]
    assert sample_targets(many, 99, seed=1).position.tolist() == list(range(20))


def test_a_sample_of_fewer_than_all_users_favours_none() -> None:
    targets = histories_of([[2, 3, 4, 5]] * 10, 3).targets["test"]
    drawn = np.concatenate([sample_targets(targets, 3, seed).row for seed in range(300)])
    assert np.bincount(drawn, minlength=10).min() > 50  # 300 x 3 / 10 = 90 are expected of each


def test_a_sample_keeps_what_belongs_to_a_target_together() -> None:
    targets = replace(TARGETS, position=10 * TARGETS.row, input_stop=100 * TARGETS.row)
    sample = sample_targets(targets, 3, seed=1)
    assert sample.position.tolist() == (10 * sample.row).tolist()
    assert sample.input_stop.tolist() == (100 * sample.row).tolist()
