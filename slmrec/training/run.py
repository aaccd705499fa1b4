"""A training run: what is trained, towards what, how it is judged, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories
from slmrec.params.training import TrainingParams

# One record an epoch: its number, validation NDCG@10 and the mean of each part of the loss.
Curve = list[dict[str, float]]
# The parts of the loss by name, each a mean over the batch's real positions.
Objective = Callable[[Batch], dict[str, Tensor]]
# Sees the curve so far after each epoch, once its checkpoint is written; raising ends the run.
Watch = Callable[[Curve], None]


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The loss that is minimised: its parts, each times its weight by name.  # ()"""
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


@dataclass(frozen=True)
class TrainingRun:
    """One training run.

    `trained` holds every weight that learns: the model, and heads that only training needs.
    `loss_weights` multiplies the parts of the objective by name; `validate` gives validation
    NDCG@10, higher is better.
    """

    name: str
    trained: nn.Module
    objective: Objective
    loss_weights: Mapping[str, float]
    validate: Callable[[], float]
    histories: Histories
    p: TrainingParams
    seed: int
    checkpoint: Checkpoint
    watch: Watch | None = None  # of a search; a stage has none


@dataclass
class TrainState:
    """Where a run stands; everything that a checkpoint must carry beside tensors."""

    epoch: int = 0  # of the next step
    step: int = 0  # within that epoch
    steps: int = 0  # in all
    best: float = -1.0  # validation NDCG@10; below any that can be reached
    best_epoch: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the parts, over this epoch's steps
    curve: Curve = field(default_factory=list)
