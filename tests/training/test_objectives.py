"""Runs that learn from the next item alone, and the whole loss of a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.batches import make_batch
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.objectives import next_item_objective, next_item_run, weighted_loss
from tests.support.histories import TRAINING, ring_histories
from tests.support.models import ITEMS, small_sasrec

HISTORIES = ring_histories(20, ITEMS - 2, 8)
BATCH = make_batch(HISTORIES, np.arange(6))


def by_hand() -> float:
    """Cross-entropy at the real positions, over UNK and all items."""
    model = small_sasrec(1)
    scores = model(BATCH.items)[BATCH.real] @ model.item_embedding.ids[1:].T
    return functional.cross_entropy(scores, BATCH.targets[BATCH.real] - 1).item()


def test_the_one_part_is_the_next_item_loss_at_the_real_positions() -> None:
    model = small_sasrec(1)
    next_item_loss = NextItemLoss(model.item_embedding, TRAINING.loss, HISTORIES)
    losses = next_item_objective(model, next_item_loss)(BATCH)
    assert list(losses) == ["ranking"]
    assert losses["ranking"].item() == pytest.approx(by_hand(), rel=1e-5)


def test_a_next_item_run_trains_the_model_and_judges_that_very_model(tmp_path: Path) -> None:
    model, judged = small_sasrec(1), []
    checkpoint = Checkpoint(tmp_path / "c.safetensors")

    def validate(candidate: object) -> float:
        judged.append(candidate)
        return 0.7

    run = next_item_run("sasrec", model, validate, HISTORIES, TRAINING, 3, checkpoint)
    assert run.trained is model and run.seed == 3 and run.checkpoint == checkpoint
    assert run.validate() == 0.7 and judged == [model]
    loss = weighted_loss(run.objective, run.loss_weights)
    assert loss(BATCH).item() == pytest.approx(by_hand(), rel=1e-5)


def test_the_whole_loss_weighs_the_parts_of_an_objective() -> None:
    loss = weighted_loss(lambda batch: {"positions": batch.real.sum()}, {"positions": 2.0})
    assert loss(BATCH) == 2 * torch.as_tensor(len(BATCH.real_targets))
