"""The one training loop: every model, every loss, resumable at any step with the same bytes."""

from __future__ import annotations

import math
import time

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn

from slmrec.core.errors import TrainingError, UsageError
from slmrec.core.progress import Progress
from slmrec.dataset.batches import Batch, make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.training.checkpointing import checkpoint_tensors, copy_weights, restore_tensors
from slmrec.training.optimizer import clip_gradients, make_optimizers, warmup_cosine
from slmrec.training.run import Curve, TrainingRun, TrainState, weighted_sum

SEED_STRIDE = 1_000_003  # between the step seeds of one run's seed and the next


def train(run: TrainingRun) -> Curve:
    """Train until validation stops improving; leave the best weights in place.

    Returns one record an epoch. Every step draws from a generator seeded by (seed, step), so a run
    resumed at any step ends with the same bytes. Raises TrainingError on a loss that is NaN or
    infinite, with step, part and windows.
    """
    trainer = Trainer(run)
    trainer.resume()
    state = trainer.state
    with Progress(run.name, trainer.total_steps) as progress:
        while state.epoch < run.p.epochs and state.epoch - state.best_epoch < run.p.patience:
            trainer.finish_epoch(progress)
            if run.watch is not None:
                run.watch(state.curve)
    run.trained.load_state_dict(trainer.best_weights)
    return state.curve


class Trainer:
    """A run between its steps. Several processes hold the same state and share each batch."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.state = TrainState()
        epoch_steps = len(batches_of_epoch(run.histories, run.p.positions_per_batch, run.seed, 0))
        self.total_steps = epoch_steps * run.p.epochs
        self.weights = [weight for weight in run.trained.parameters() if weight.requires_grad]
        self.device = self.weights[0].device
        # A layer that stochastic depth skips in a step has no gradient to share.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(cpu=self.device.type == "cpu", kwargs_handlers=[unused])
        optimizers = make_optimizers(run.trained, run.p)
        if len(optimizers) > 1 and self.accelerator.num_processes > 1:
            raise UsageError(
                f"{run.name}: loss.rows is touched, which several processes cannot share; "
                "set rows: all, or processes: 1"
            )
        module = _ObjectiveModule(run)
        self.objective, *self.optimizers = self.accelerator.prepare(module, *optimizers)
        self.best_weights = copy_weights(run.trained)
        self.saved_at = time.monotonic()

    def finish_epoch(self, progress: Progress) -> None:
        """Run what is left of the epoch, validate, remember the best weights."""
        run, state = self.run, self.state
        started_at = time.monotonic()
        batches = batches_of_epoch(run.histories, run.p.positions_per_batch, run.seed, state.epoch)
        run.trained.train()
        while state.step < len(batches):
            self.take_step(make_batch(run.histories, batches[state.step]))
            progress.step(state.steps, {"loss": self.mean_loss(), "valid_ndcg@10": state.best})
            if time.monotonic() - self.saved_at > run.p.checkpoint_seconds:
                self.save()
        seconds = time.monotonic() - started_at
        self._validate(steps=len(batches))
        record = _format_record(state.curve[-1])
        progress.line(f"epoch {state.epoch}/{run.p.epochs} {record} ({seconds:.1f} s)")
        state.step, state.sums = 0, {}
        self.save()

    def _validate(self, steps: int) -> None:
        """Close an epoch of so many steps: its record, and the best weights so far."""
        run, state = self.run, self.state
        run.trained.eval()
        # The main process measures, and all get its figure.
        figure = [run.validate() if self.accelerator.is_main_process else 0.0]
        quality = float(broadcast_object_list(figure)[0])
        means = {name: total / steps for name, total in state.sums.items()}
        state.epoch += 1
        state.curve.append({"epoch": state.epoch, "valid_ndcg@10": quality, **means})
        if quality > state.best:
            state.best, state.best_epoch = quality, state.epoch
            self.best_weights = copy_weights(run.trained)

    def take_step(self, batch: Batch) -> None:
        """One optimizer step on a batch."""
        run, state, accelerator = self.run, self.state, self.accelerator
        torch.manual_seed(run.seed * SEED_STRIDE + state.steps)  # dropout hangs on the step alone
        inputs = batch.with_unknowns(run.p.unknown_rate, torch.default_generator)
        part, share = inputs.share(accelerator.process_index, accelerator.num_processes)
        losses = self.objective(part.to(self.device))
        losses = {name: share * loss for name, loss in losses.items()}
        means = self._mean_over_processes(losses)
        self._refuse_not_finite(means, batch)
        accelerator.backward(weighted_sum(losses, run.loss_weights))
        self._update_weights()
        for name, mean in means.items():
            state.sums[name] = state.sums.get(name, 0.0) + mean
        state.step += 1
        state.steps += 1

    def _update_weights(self) -> None:
        p = self.run.p
        for optimizer in self.optimizers:
            self.accelerator.unscale_gradients(optimizer)
        clip_gradients(self.weights, p.clip_norm)
        schedule = warmup_cosine(self.state.steps, p.warmup_steps, self.total_steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = p.learning_rate * schedule
            optimizer.step()
            optimizer.zero_grad()

    def _mean_over_processes(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """Each part over the whole batch: the mean over processes of their weighted shares."""
        stacked = torch.stack([loss.detach().float() for loss in losses.values()])
        return dict(zip(losses, self.accelerator.reduce(stacked, "mean").tolist(), strict=True))

    def _refuse_not_finite(self, means: dict[str, float], batch: Batch) -> None:
        for name, mean in means.items():
            if not math.isfinite(mean):
                raise TrainingError(
                    f"{self.run.name}: term {name} is {mean} at step {self.state.steps} "
                    f"(windows {batch.windows[:3].tolist()}...); lower learning_rate or "
                    "clip_norm, nothing was written"
                )

    def mean_loss(self) -> float:
        """Mean weighted loss of this epoch so far."""
        sums = self.state.sums.items()
        total = sum(self.run.loss_weights[name] * part_sum for name, part_sum in sums)
        return total / max(self.state.step, 1)

    def save(self) -> None:
        """Write a checkpoint, in the main process alone."""
        self.saved_at = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        scaler = self.accelerator.scaler
        tensors = checkpoint_tensors(self.run.trained, self.best_weights, self.optimizers)
        record = {"state": vars(self.state), "scaler": scaler.state_dict() if scaler else {}}
        self.run.checkpoint.save(tensors, record)

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        checkpoint = self.run.checkpoint.load()
        if checkpoint is None:
            return
        tensors, record = checkpoint
        self.state = TrainState(**record["state"])
        self.best_weights = restore_tensors(tensors, self.run.trained, self.optimizers)
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(record["scaler"])
        where = f"epoch {self.state.epoch + 1}, step {self.state.step}"
        print(f"{self.run.name}: resumed at {where}", flush=True)


class _ObjectiveModule(nn.Module):
    """The objective as a module that holds what it trains.

    Accelerate wraps it, so that processes share gradients.
    """

    def __init__(self, run: TrainingRun) -> None:
        super().__init__()
        self.trained = run.trained
        self.objective = run.objective

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return self.objective(batch)


def _format_record(record: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in record.items() if name != "epoch")
