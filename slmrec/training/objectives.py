"""What a training run minimises: the parts of a batch's loss by name, and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.params.training import TrainingParams
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.run import Objective, TrainingRun, Watch, weighted_sum


def next_item_objective(model: SequenceModel, next_item_loss: NextItemLoss) -> Objective:
    """The objective of a model that learns from the next item alone; its one part is `ranking`."""

    def objective(batch: Batch) -> dict[str, Tensor]:
        vectors = batch.at_real(model(batch.items))  # (N, E)
        return {"ranking": next_item_loss.loss(vectors, batch.real_targets)}

    return objective


def next_item_run(
    name: str,
    model: SequenceModel,
    validate: Callable[[SequenceModel], float],
    histories: Histories,
    p: TrainingParams,
    seed: int,
    checkpoint: Checkpoint,
    watch: Watch | None = None,
) -> TrainingRun:
    """The run of a model that learns from the next item alone, over all training positions."""
    objective = next_item_objective(model, NextItemLoss(model.item_embedding, p.loss, histories))
    weights = {"ranking": 1.0}
    return TrainingRun(
        name,
        model,
        objective,
        weights,
        lambda: validate(model),
        histories,
        p,
        seed,
        checkpoint,
        watch,
    )


def weighted_loss(objective: Objective, weights: Mapping[str, float]) -> Callable[[Batch], Tensor]:
    """The whole loss of a batch: the parts of `objective`, each times its weight by name."""
    return lambda batch: weighted_sum(objective(batch), weights)
