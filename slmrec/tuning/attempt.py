"""A trial under way: its settings, its checkpoint, and what sees its epochs."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import optuna

from slmrec.core.checkpoint import Checkpoint
from slmrec.training.run import Curve
from slmrec.tuning.settings import Sections, changed
from slmrec.tuning.studies import FOUND
from slmrec.tuning.task import Task


class OutOfTimeError(Exception):
    """The whole budget is spent; what was under way goes on from its checkpoint another time."""


@dataclass
class Attempt:
    """One trial. Its checkpoint is that of its settings, whichever trial asks for them."""

    task: Task
    trial: optuna.Trial
    settings: Sections
    started: float = field(default_factory=time.monotonic)
    epochs: int = 0  # seen

    @property
    def params(self) -> Sections:
        """params.yaml with the settings that are tried."""
        return changed(self.task.params, self.settings)

    @property
    def checkpoint(self) -> Checkpoint:
        text = json.dumps(self.settings, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        return Checkpoint(self.task.folder / "checkpoints" / f"{name}.safetensors")

    def note_seconds(self) -> None:
        """Note what it has cost so far, with what it cost before it was interrupted."""
        seconds = self.trial.user_attrs.get("spent", 0.0) + time.monotonic() - self.started
        self.trial.set_user_attr("seconds", round(seconds, 1))

    def watch(self, curve: Curve) -> None:
        """Report the epochs that are new; end the trial where it is too weak.

        Settings that somebody chose, not the sampler, are trained to their end.
        """
        for record in curve[self.epochs :]:
            self.trial.report(record["valid_ndcg@10"], int(record["epoch"]))
        self.epochs = len(curve)
        if self.epochs == self.task.epochs:
            return
        found = self.trial.user_attrs.get("origin", FOUND) == FOUND
        if found and self.trial.should_prune():
            raise optuna.TrialPruned


@contextmanager
def stopped_at(ends: float | None) -> Iterator[None]:
    """Raise OutOfTimeError within, in the main thread, once the clock is at `ends`.

    An alarm, because an epoch may take longer than what is left.
    """
    if ends is None:
        yield
        return
    left = ends - time.time()
    if left <= 0:
        raise OutOfTimeError
    before = signal.signal(signal.SIGALRM, _raise_out_of_time)
    signal.setitimer(signal.ITIMER_REAL, left)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise_out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfTimeError


def best_of(curve: Curve) -> float:
    """Validation NDCG@10 of the epoch whose weights are kept."""
    return max(record["valid_ndcg@10"] for record in curve)
