"""Drawn histories have the asked shape, and a SASRec trains on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.catalogue_size import LOSSES
from benchmarks.simulated_training import loop_params, new_trainer, simulate_histories
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.batches import make_batch


def test_every_user_has_as_many_training_positions_as_asked_for() -> None:
    histories = simulate_histories(users=3, length=10, window=4, items=20)
    assert np.diff(histories.offsets).tolist() == [11, 11, 11]  # ten inputs, each with a next item
    assert histories.windows.positions.sum() == 3 * 10
    assert histories.windows.positions.max() == 4
    assert histories.items.min() >= FIRST_ITEM
    assert histories.items.max() < FIRST_ITEM + 20


@pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))
def test_a_step_with_every_loss_changes_the_weights(tmp_path: Path, loss: dict[str, Any]) -> None:
    histories = simulate_histories(users=8, length=6, window=6, items=30)
    small = loss | {"negatives": 5} if "negatives" in loss else loss
    trainer = new_trainer(histories, 30, 8, loop_params(small, positions=48), tmp_path)
    before = [weight.detach().clone() for weight in trainer.run.trained.parameters()]
    trainer.take_step(make_batch(histories, np.arange(8)))
    after = list(trainer.run.trained.parameters())
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
