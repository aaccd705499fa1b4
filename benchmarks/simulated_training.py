"""A SASRec about to be trained on drawn histories, for measurements of time and memory alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from benchmarks.datasets import training_windows
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, Protocol, Targets
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.params.training import LossParams, TrainingParams
from slmrec.training.loop import Trainer
from slmrec.training.objectives import next_item_run

LAYERS, HEADS, DROPOUT = 2, 2, 0.1
CPU = torch.device("cpu")


def simulate_histories(users: int, length: int, window: int, items: int) -> Histories:
    """Items drawn with a long tail: `length` training positions a user, in windows of `window`.

    Which item follows which does not matter to time or memory.
    """
    random = np.random.default_rng(1)
    events = users * (length + 1)
    no_targets = Targets(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    return Histories(
        protocol=Protocol("temporal", window, exclude_seen=True),
        users=np.arange(users).astype(np.uint32),
        offsets=np.arange(users + 1) * (length + 1),
        items=FIRST_ITEM + (items * random.random(events) ** 3).astype(np.int64),
        times=np.arange(events),
        windows=training_windows(np.full(users, length + 1), window),
        targets={"valid": no_targets, "test": no_targets},
    )


def loop_params(loss: dict[str, Any], positions: int) -> TrainingParams:
    """Parameters of the loop with that loss; of the numbers only `positions` matters here."""
    return TrainingParams(
        epochs=1,
        positions_per_batch=positions,
        learning_rate=1e-3,
        warmup_steps=10,
        weight_decay=0.01,
        clip_norm=1.0,
        unknown_rate=0.01,
        loss=TypeAdapter(LossParams).validate_python(loss),
        patience=1,
        validation_targets=1,
        checkpoint_seconds=3600,
    )


def new_trainer(
    histories: Histories,
    items: int,
    width: int,
    p: TrainingParams,
    work_dir: Path,
    device: torch.device = CPU,
) -> Trainer:
    """A SASRec of two layers about to be trained; every item may be drawn as a negative."""
    trained = torch.ones(items + FIRST_ITEM, dtype=torch.bool)
    embedding = ItemEmbedding(trained, width, None, 0.0)
    length = histories.protocol.max_length
    model = SASRec(embedding, LAYERS, HEADS, 2 * width, DROPOUT, length).to(device).train()
    checkpoint = Checkpoint(work_dir / "checkpoint.safetensors")
    return Trainer(next_item_run("sasrec", model, _no_validation, histories, p, 1, checkpoint))


def _no_validation(_model: SequenceModel) -> float:
    return 0.0
