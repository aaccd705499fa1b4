"""Cost of models side by side: training steps and served users, on the same batches and threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from slmrec.dataset.batches import Batch, make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import at_last_positions, right_padded
from slmrec.models.factory import SequenceModel
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.training import TrainingParams
from slmrec.runtime import Recommender
from slmrec.training.optimizer import clip_gradients, make_optimizers

LIST_LENGTH = 10  # of the lists that serving is timed on
Learner = tuple[nn.Module, Callable[[Batch], Tensor]]  # what is trained, and its loss of a batch


def epoch_seconds(
    learners: Mapping[str, Learner],
    histories: Histories,
    p: TrainingParams,
    cost: MeasureCostParams,
) -> dict[str, float]:
    """Seconds of a training epoch of each learner.

    The median over repeats of some batches of an epoch, scaled to all training positions.
    """
    batches, scale = sampled_batches(histories, p, cost.steps, cost.seed)
    tasks = {name: training_steps(*learner, batches, p) for name, learner in learners.items()}
    seconds = time_in_turn(tasks, cost.repeats)
    return {name: statistics.median(repeats) * scale for name, repeats in seconds.items()}


def users_per_second(
    models: Mapping[str, SequenceModel],
    recommender: Recommender,
    histories: Histories,
    cost: MeasureCostParams,
) -> dict[str, float]:
    """Users a second of each torch model, and as `student_onnx` of a bundle's recommender."""
    batches = serving_batches(histories, cost)
    tasks = {name: serving_in_torch(model, batches) for name, model in models.items()}
    tasks["student_onnx"] = serving_from_bundle(recommender, batches)
    seconds = time_in_turn(tasks, cost.repeats)
    return {name: cost.users / statistics.median(repeats) for name, repeats in seconds.items()}


def cost_report(
    parameters: Mapping[str, int], served: Mapping[str, float], trained: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """The content of metrics/cost.json; an exported graph is served, but not trained."""
    return {
        name: {"parameters": count, "users_per_second": served[name]}
        | ({"epoch_seconds": trained[name]} if name in trained else {})
        for name, count in parameters.items()
    }


def time_in_turn(tasks: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each task over `repeats` rounds, and one before them that is not counted.

    Tasks take turns (A B C A B C ...), so that a machine that slows down is fair to all; the first
    round warms up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for round_number in range(repeats + 1):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            if round_number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def sampled_batches(
    histories: Histories, p: TrainingParams, count: int, seed: int
) -> tuple[list[Batch], float]:
    """Some batches of an epoch, and how many such samples make a whole epoch, by positions."""
    window_rows = batches_of_epoch(histories, p.positions_per_batch, seed, 0)[:count]
    positions = histories.windows.positions
    share = sum(int(positions[rows].sum()) for rows in window_rows) / int(positions.sum())
    return [make_batch(histories, rows) for rows in window_rows], 1 / share


def training_steps(
    module: nn.Module, loss: Callable[[Batch], Tensor], batches: list[Batch], p: TrainingParams
) -> Callable[[], None]:
    """A task that takes one optimizer step on each batch, as the training loop does."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    module_optimizers = make_optimizers(module, p)

    def train_on_batches() -> None:
        module.train()
        for batch in batches:
            loss(batch).backward()
            clip_gradients(weights, p.clip_norm)
            _step(module_optimizers)

    return train_on_batches


def _step(optimizers: Iterable[torch.optim.Optimizer]) -> None:
    """Update the weights by their gradients, and clear these."""
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()


def serving_batches(histories: Histories, p: MeasureCostParams) -> list[np.ndarray]:
    """Right-padded inputs of `p.users` targets drawn from the test targets.  # each (B, T) int64

    Targets are drawn without repetition where there are enough of them.
    """
    targets = histories.targets["test"]
    drawn = np.random.default_rng(p.seed).choice(
        len(targets.row), size=p.users, replace=len(targets.row) < p.users
    )
    chunks = [drawn[first : first + p.batch] for first in range(0, p.users, p.batch)]
    return [
        right_padded(
            histories,
            targets.row[chunk],
            targets.input_stop[chunk],
            histories.protocol.max_length,
        )
        for chunk in chunks
    ]


def serving_in_torch(model: SequenceModel, batches: list[np.ndarray]) -> Callable[[], None]:
    """A task that recommends ten items for each input with the torch model."""
    table = model.item_embedding.folded().detach()  # (I, E)
    k = min(LIST_LENGTH, len(table))

    def recommend() -> None:
        model.eval()
        with torch.inference_mode():
            for batch in batches:
                items = torch.from_numpy(batch).to(table.device)  # (B, T)
                torch.topk(at_last_positions(model(items), items) @ table.T, k)

    return recommend


def serving_from_bundle(recommender: Recommender, batches: list[np.ndarray]) -> Callable[[], None]:
    """A task that recommends ten items for each input with the exported graph."""

    def recommend() -> None:
        for items in batches:
            nothing = np.zeros((len(items), 0), dtype=np.int64)
            recommender.recommend_indices(items, nothing, LIST_LENGTH)

    return recommend
