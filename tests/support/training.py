"""A training run small enough to be looked at step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.batches import Batch
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.loop import Run
from slmrec.training.losses.next_item import NextItemLoss
from tests.support.histories import TRAINING, ring_histories

ITEMS = 14
HISTORIES = ring_histories(60, ITEMS - 2, 8)


def ring_run(checkpoint: Path, **changes: Any) -> Run:
    """A small SASRec on the ring; every step of it leaves a checkpoint."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    p = TRAINING.model_copy(update={"checkpoint_seconds": 1e-9} | changes)
    model = SASRec(
        ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 16, None, 0.0), 1, 2, 32, 0.1, 8
    )
    ranking, validation = (
        NextItemLoss(model.item_embedding, p.loss, HISTORIES),
        SampledNdcg(HISTORIES, model.item_embedding, p.validation_targets, seed=1),
    )

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {"ranking": ranking.loss(model(batch.items)[batch.real], batch.targets[batch.real])}

    return Run(
        "ring",
        model,
        objective,
        {"ranking": 1.0},
        lambda: validation(model),
        HISTORIES,
        p,
        1,
        Checkpoint(checkpoint),
    )
