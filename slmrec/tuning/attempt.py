"""A trial under way: its settings, its checkpoint, and what sees its epochs."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field

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
        """Note what it has cost so far."""
        self.trial.set_user_attr("seconds", round(time.monotonic() - self.started, 1))

    def watch(self, curve: Curve) -> None:
        """Report the epochs that are new; end the trial where it is too weak, or time is up.

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
        stop_at(self.task.limits.ends)


def stop_at(ends: float | None) -> None:
    """Raise OutOfTimeError once the clock is beyond `ends`."""
    if ends is not None and time.time() > ends:
        raise OutOfTimeError


def best_of(curve: Curve) -> float:
    """Validation NDCG@10 of the epoch whose weights are kept."""
    return max(record["valid_ndcg@10"] for record in curve)
