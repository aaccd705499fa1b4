"""One part's search in one process: asks for trials, trains them, tells, keeps the best model."""

from __future__ import annotations

import contextlib
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from slmrec.core.errors import TrainingError
from slmrec.core.files import new_folder
from slmrec.models.factory import SequenceModel
from slmrec.tuning.attempt import Attempt, OutOfTimeError, best_of, stopped_at
from slmrec.tuning.settings import fits, present_values, rounded
from slmrec.tuning.studies import (
    best_trial,
    bounds_of,
    ended_trials,
    goes_before,
    open_storage,
    open_study,
)
from slmrec.tuning.task import Task
from slmrec.tuning.trainers import Trainer, save_trained, trainer_of

Report = Callable[["Search", int], None]  # is told of each trial that ended, by its number


class Search:
    """A task at work in this process: its study, and what trains."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.folder = task.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.study = open_study(open_storage(), task)
        self.bounds = bounds_of(self.study)
        self.present = present_values(task.params, self.bounds)
        # One process at a time asks and tells: a trial hangs on those before it.
        self.lock = FileLock(self.folder / "trials.lock", fallback_to_soft=False)

    @cached_property
    def trainer(self) -> Trainer:
        """What trains; made when there is something to train."""
        return trainer_of(self.task)

    def run_next(self, report: Report) -> bool:
        """Run one trial more; whether it came to its end, and another one may begin."""
        with self.lock:
            if not self.may_begin():
                return False
            attempt = self._ask()
        try:
            self._run(attempt)
        except OutOfTimeError:
            self._interrupt(attempt)
            return False
        except KeyboardInterrupt:
            self._interrupt(attempt)
            raise
        report(self, attempt.trial.number)
        return True

    def may_begin(self) -> bool:
        """Whether trials and time are left for one more. The first one needs no more than a start.

        The time that it will take is the mean of those that were trained to their end.
        """
        limits = self.task.limits
        begun = self._begun()
        if (begun and not self.bounds) or (limits.trials is not None and begun >= limits.trials):
            return False
        if limits.ends is None or limits.part_ends is None:
            return True
        seconds = self.seconds_of_a_trial()
        if seconds is None:
            return time.time() < limits.ends
        return time.time() + seconds <= limits.part_ends

    def _begun(self) -> int:
        """Trials that ended or are under way."""
        under_way = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return len(ended_trials(self.study)) + len(under_way)

    def seconds_of_a_trial(self) -> float | None:
        """The mean of the complete ones; None before the first."""
        complete = self.study.get_trials(states=(TrialState.COMPLETE,))
        seconds = [trial.user_attrs["seconds"] for trial in complete]
        return sum(seconds) / len(seconds) if seconds else None

    def _ask(self) -> Attempt:
        """The next trial. Its settings hang on the trials before it alone, not on this process."""
        self.study.sampler = self._sampler()
        trial = self.study.ask()
        settings = {
            name: rounded(_suggest(trial, name, bounds), self.present[name])
            for name, bounds in self.bounds.items()
        }
        trial.set_user_attr("settings", settings)
        return Attempt(self.task, trial, settings)

    def _sampler(self) -> TPESampler:
        space = self.task.read_space()
        named = f"{space.seed} {self.task.part} {self._begun()}"
        seed = zlib.crc32(named.encode())  # parts do not draw the same values
        return TPESampler(n_startup_trials=space.first_random, seed=seed, constant_liar=True)

    def _run(self, attempt: Attempt) -> None:
        """Train and tell. What diverges, or fits nothing, is a failed trial and ends no search."""
        state, value, model = TrialState.FAIL, None, None
        try:
            if not fits(self.task.params, attempt.settings):
                raise TrainingError("these settings do not fit each other")
            with self._quiet(), stopped_at(self.task.limits.ends):
                model, curve = self.trainer(attempt.params, attempt.checkpoint, attempt.watch)
            state, value = TrialState.COMPLETE, best_of(curve)
        except optuna.TrialPruned:
            state = TrialState.PRUNED
        except TrainingError as error:
            attempt.trial.set_user_attr("fault", str(error))
        attempt.note_seconds()
        self._tell(attempt, state, value, model)
        attempt.checkpoint.path.unlink(missing_ok=True)

    def _tell(
        self, attempt: Attempt, state: TrialState, value: float | None, model: SequenceModel | None
    ) -> None:
        """Write the model if it is the best one so far, then the trial, then forget the others."""
        trial, models = attempt.trial, self.folder / "models"
        with self.lock:
            if model is not None and goes_before(value, trial.number, best_trial(self.study)):
                with new_folder(models / str(trial.number)) as folder:
                    save_trained(self.task, model, folder)
            self.study.tell(trial, value, state=state)
            for folder in models.glob("[0-9]*"):
                if folder != self.best_model():
                    shutil.rmtree(folder)

    def best_model(self) -> Path | None:
        """The folder of the best trial's model; None before any is complete."""
        best = best_trial(self.study)
        return None if best is None else self.folder / "models" / str(best.number)

    def _interrupt(self, attempt: Attempt) -> None:
        trials = self.study.get_trials(deepcopy=False)
        if trials[attempt.trial.number].state.is_finished():
            return  # it was told before
        attempt.trial.set_user_attr("interrupted", True)
        attempt.note_seconds()
        self.study.tell(attempt.trial, state=TrialState.FAIL)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """What training prints goes to a file: a trial is one line on the terminal."""
        with (self.folder / "log.txt").open("a") as log, contextlib.redirect_stdout(log):
            yield


def _suggest(trial: optuna.Trial, name: str, bounds: BaseDistribution) -> Any:
    if isinstance(bounds, CategoricalDistribution):
        return trial.suggest_categorical(name, list(bounds.choices))
    assert isinstance(bounds, FloatDistribution)
    return trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log)
