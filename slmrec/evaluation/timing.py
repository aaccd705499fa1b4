"""Cost side by side: training steps and served users of every model, in turn, on the same batches and threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from slmrec.core.vocabulary import PAD
from slmrec.dataset.batches import Batch, batches_of_epoch, make_batch, right_padded
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.training import TrainingParams
from slmrec.training.optimizer import clip, optimizers

LIST_LENGTH = 10  # of the lists that serving is timed on


def time_in_turn(work: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each piece of work, run in turn (A B C A B C ...) so that a drifting machine is fair to all.

    The first round warms up and is not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(repeats + 1):
        for name, run in work.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def sampled_batches(
    histories: Histories, p: TrainingParams, count: int, seed: int
) -> tuple[list[Batch], float]:
    """Some batches of an epoch, and how many such samples make the whole epoch, by positions."""
    groups = batches_of_epoch(histories, p.positions_per_batch, seed, 0)
    chosen = groups[:count]
    positions = histories.windows.positions
    share = sum(int(positions[group].sum()) for group in chosen) / int(positions.sum())
    return [make_batch(histories, group) for group in chosen], 1 / share


def training_steps(
    trained: nn.Module, loss: Callable[[Batch], Tensor], batches: list[Batch], p: TrainingParams
) -> Callable[[], None]:
    """Work that takes one optimizer step on each batch, as the training loop does."""
    weights = [weight for weight in trained.parameters() if weight.requires_grad]
    chosen = optimizers(trained, p)

    def run() -> None:
        trained.train()
        for batch in batches:
            loss(batch).backward()
            clip(weights, p.clip_norm)
            for optimizer in chosen:
                optimizer.step()
                optimizer.zero_grad()

    return run


def serving_batches(histories: Histories, p: MeasureCostParams) -> list[np.ndarray]:
    """Inputs of users drawn from the test targets, in batches; with fewer users than asked for, some come again."""
    targets = histories.targets["test"]
    chosen = np.random.default_rng(p.seed).choice(
        len(targets.row), size=p.users, replace=len(targets.row) < p.users
    )
    rows, stops = targets.row[chosen], targets.input_stop[chosen]
    return [
        right_padded(
            histories,
            rows[first : first + p.batch],
            stops[first : first + p.batch],
            histories.protocol.max_length,
        )
        for first in range(0, p.users, p.batch)
    ]


def serving_in_torch(model: SequenceModel, batches: list[np.ndarray]) -> Callable[[], None]:
    """Work that recommends ten items to each user with the torch model."""
    table = model.item_embedding.folded().detach()

    def run() -> None:
        model.eval()
        with torch.inference_mode():
            for items in batches:
                vectors = model(torch.from_numpy(items).to(table.device))
                last = torch.from_numpy((items != PAD).sum(axis=1) - 1)
                torch.topk(vectors[torch.arange(len(last)), last] @ table.T, LIST_LENGTH)

    return run
