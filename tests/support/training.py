"""A training run small enough to be looked at step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.objectives import next_item_run
from slmrec.training.run import TrainingRun
from tests.support.histories import TRAINING, ring_histories

ITEMS = 14
HISTORIES = ring_histories(60, ITEMS - 2, 8)


def ring_run(checkpoint_path: Path, **changes: Any) -> TrainingRun:
    """A small SASRec on the ring; every step of it leaves a checkpoint.

    `changes` are those of TRAINING.
    """
    torch.manual_seed(1)
    torch.set_num_threads(1)
    p = TRAINING.model_copy(update={"checkpoint_seconds": 1e-9} | changes)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 16, None, 0.0)
    model = SASRec(embedding, 1, 2, 32, 0.1, 8)
    ndcg = SampledNdcg(HISTORIES, embedding, p.validation_targets, seed=1)
    return next_item_run("ring", model, ndcg, HISTORIES, p, 1, Checkpoint(checkpoint_path))
