"""The one training loop: every model, every loss, resumable at any step with the same bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import TrainingError, UsageError
from slmrec.core.progress import Progress
from slmrec.dataset.batches import Batch, batches_of_epoch, make_batch
from slmrec.dataset.histories import Histories
from slmrec.params.training import TrainingParams
from slmrec.training.optimizer import clip, optimizers

Curve = list[
    dict[str, float]
]  # one record an epoch: validation NDCG@10 and the mean of each part of the loss
Objective = Callable[
    [Batch], dict[str, Tensor]
]  # the parts of the loss, each a mean over the batch's positions


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


@dataclass(frozen=True)
class Run:
    """One training run: what is trained, towards what, and how it is judged.

    `trained` holds every weight that learns: the model, and heads that only training needs.
    `weights` multiplies the parts of the objective by name; `validate` gives validation NDCG@10,
    higher is better.
    """

    name: str
    trained: nn.Module
    objective: Objective
    weights: Mapping[str, float]
    validate: Callable[[], float]
    histories: Histories
    p: TrainingParams
    seed: int
    checkpoint: Checkpoint


def train(run: Run) -> Curve:
    """Train until validation stops improving, leave the best weights in place, return one record an epoch.

    Every step draws from a generator seeded by (seed, step), so a run resumed at any step ends with
    the same bytes. Raises TrainingError on a loss that is NaN or infinite, with step, term and
    windows.
    """
    loop = Loop(run)
    loop.resume()
    with Progress(run.name, loop.total_steps) as progress:
        while (
            loop.state.epoch < run.p.epochs
            and loop.state.epoch - loop.state.best_epoch < run.p.patience
        ):
            loop.finish_epoch(progress)
    run.trained.load_state_dict(loop.best_weights)
    return loop.state.curve


class _Objective(nn.Module):
    """The objective as a module that holds what it trains: what Accelerate wraps, to share gradients between processes."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.trained = run.trained
        self.objective = run.objective

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return self.objective(batch)


class Loop:
    """The state of a run between steps. Several processes hold the same state and share each batch."""

    def __init__(self, run: Run) -> None:
        self.run = run
        p = run.p
        self.state = TrainState()
        self.epoch_steps = len(batches_of_epoch(run.histories, p.positions_per_batch, run.seed, 0))
        self.total_steps = self.epoch_steps * p.epochs
        self.parameters = [weight for weight in run.trained.parameters() if weight.requires_grad]
        self.device = self.parameters[0].device
        # A layer that stochastic depth skips in a step has no gradient to share.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(cpu=self.device.type == "cpu", kwargs_handlers=[unused])
        own = optimizers(run.trained, p)
        if len(own) > 1 and self.accelerator.num_processes > 1:
            raise UsageError(
                f"{run.name}: loss.rows is touched, which several processes cannot share; set rows: all, or processes: 1"
            )
        self.objective, *self.optimizers = self.accelerator.prepare(_Objective(run), *own)
        self.best_weights = _copy(run.trained)
        self.saved = time.monotonic()

    def finish_epoch(self, progress: Progress) -> None:
        """Run what is left of the epoch, validate, keep the best weights."""
        run, state = self.run, self.state
        started = time.monotonic()
        batches = batches_of_epoch(run.histories, run.p.positions_per_batch, run.seed, state.epoch)
        run.trained.train()
        while state.step < len(batches):
            self.take_step(make_batch(run.histories, batches[state.step]))
            progress.step(state.steps, {"loss": self.mean_loss(), "valid_ndcg@10": state.best})
            if time.monotonic() - self.saved > run.p.checkpoint_seconds:
                self.save()
        self._close_epoch(progress, len(batches), time.monotonic() - started)

    def _close_epoch(self, progress: Progress, steps: int, seconds: float) -> None:
        run, state = self.run, self.state
        run.trained.eval()
        quality = self._validated()
        state.epoch += 1
        state.curve.append(
            {
                "epoch": state.epoch,
                "valid_ndcg@10": quality,
                **{name: total / steps for name, total in state.sums.items()},
            }
        )
        if quality > state.best:
            state.best, state.best_epoch, self.best_weights = (
                quality,
                state.epoch,
                _copy(run.trained),
            )
        progress.line(
            f"epoch {state.epoch}/{run.p.epochs} {_spelled(state.curve[-1])} ({seconds:.1f} s)"
        )
        state.step, state.sums = 0, {}
        self.save()

    def _validated(self) -> float:
        """The figure that the main process measures, in every process."""
        figure = [self.run.validate() if self.accelerator.is_main_process else 0.0]
        return float(broadcast_object_list(figure)[0])

    def take_step(self, batch: Batch) -> None:
        """One optimizer step on a batch."""
        run, state, accelerator = self.run, self.state, self.accelerator
        torch.manual_seed(
            run.seed * 1_000_003 + state.steps
        )  # dropout, too, depends on the step alone
        whole = batch.with_unknowns(run.p.unknown_rate, torch.default_generator)
        part, weight = whole.share(accelerator.process_index, accelerator.num_processes)
        terms = {name: weight * term for name, term in self.objective(part.to(self.device)).items()}
        figures = self._shared(terms)
        self._refuse_nonsense(figures, batch)
        accelerator.backward(
            torch.stack([run.weights[name] * term for name, term in terms.items()]).sum()
        )
        for optimizer in self.optimizers:
            accelerator.unscale_gradients(optimizer)
        clip(self.parameters, run.p.clip_norm)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = run.p.learning_rate * _warm_cosine(
                    state.steps, run.p.warmup_steps, self.total_steps
                )
            optimizer.step()
            optimizer.zero_grad()
        for name, figure in figures.items():
            state.sums[name] = state.sums.get(name, 0.0) + figure
        state.step += 1
        state.steps += 1

    def _shared(self, terms: dict[str, Tensor]) -> dict[str, float]:
        """Each term over the whole batch: the mean over processes of their weighted shares."""
        stacked = torch.stack([term.detach().float() for term in terms.values()])
        return dict(zip(terms, self.accelerator.reduce(stacked, "mean").tolist(), strict=True))

    def _refuse_nonsense(self, figures: dict[str, float], batch: Batch) -> None:
        for name, figure in figures.items():
            if not math.isfinite(figure):
                raise TrainingError(
                    f"{self.run.name}: term {name} is {figure} at step {self.state.steps} (windows "
                    f"{batch.windows[:3].tolist()}...); lower learning_rate or clip_norm, nothing was written"
                )

    def mean_loss(self) -> float:
        """Mean weighted loss of this epoch so far."""
        return sum(self.run.weights[name] * total for name, total in self.state.sums.items()) / max(
            self.state.step, 1
        )

    def save(self) -> None:
        """Write a checkpoint: weights, best weights, optimizer moments, and where the run stands. The main process does."""
        self.saved = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        tensors = {
            f"now.{name}": value.detach() for name, value in self.run.trained.state_dict().items()
        }
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for number, optimizer in enumerate(self.optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {
                    f"optimizer.{number}.{index}.{name}": value for name, value in state.items()
                }
        record = {
            "at": vars(self.state),
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else {},
        }
        self.run.checkpoint.save(
            {name: value.contiguous() for name, value in tensors.items()}, record
        )

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        found = self.run.checkpoint.load()
        if found is None:
            return
        tensors, record = found
        self.state = TrainState(**record["state"])
        self.run.trained.load_state_dict(_below(tensors, "now."))
        self.best_weights = _below(tensors, "best.")
        for number, optimizer in enumerate(self.optimizers):
            _restore(optimizer, _below(tensors, f"optimizer.{number}."))
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(record["scaler"])
        print(
            f"{self.run.name}: resumed at epoch {self.state.epoch + 1}, step {self.state.step}",
            flush=True,
        )


def _restore(optimizer: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    whole = optimizer.state_dict()
    optimizer.load_state_dict({**whole, "state": state})


def _warm_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _spelled(record: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in record.items() if name != "epoch")
