"""What a part's search has found, from its trials alone: the same trials give the same outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from slmrec.tuning.search import Search
from slmrec.tuning.settings import Sections
from slmrec.tuning.studies import best_trial, ended_trials, origin, settings_of, trial_of

LEAST_COMPLETE = 4  # trials, of which importance is told
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class TrialRow:
    """A trial that ended; `value` is validation NDCG@10, of what was seen where it was stopped."""

    number: int
    epochs: int  # the most it could train
    state: str
    value: float | None
    seconds: float
    origin: str
    settings: Sections
    fault: str


@dataclass(frozen=True)
class Outcome:
    """What one part has found. Values are validation NDCG@10 of trials of all epochs."""

    part: str
    present: Sections  # the searched settings as params.yaml has them
    before: float | None  # with them; None where they failed
    best: Sections
    after: float | None  # with the best ones
    trials: list[TrialRow]
    importance: dict[str, float]  # shares of the variance, the largest first; empty for few trials

    @property
    def better(self) -> Sections:
        """The settings to write: what is better than params.yaml, and differs from it."""
        if self.after is None or (self.before is not None and self.after <= self.before):
            return {}
        return {name: value for name, value in self.best.items() if value != self.present[name]}

    @property
    def seconds(self) -> float:
        """What all trials cost."""
        return sum(trial.seconds for trial in self.trials)

    def count(self, state: str) -> int:
        """Trials that ended so."""
        return sum(trial.state == state for trial in self.trials)


def outcome_of(searches: Sequence[Search]) -> Outcome:
    """The outcome of a part's search, the first one, and of shorter ones that led to it."""
    full = searches[0]
    best, present = best_trial(full.study), trial_of(full.study, full.present)
    most = max(searches, key=lambda search: len(ended_trials(search.study)))
    return Outcome(
        part=full.task.part,
        present=full.present,
        before=None if present is None else present.value,
        best={} if best is None else settings_of(best),
        after=None if best is None else best.value,
        trials=_rows(searches),
        importance=importance_of(most.study, most.task.read_space().seed),
    )


def _rows(searches: Sequence[Search]) -> list[TrialRow]:
    """The trials of all searches as they began."""
    trials = [
        (trial.datetime_start or datetime.min, row_of(trial, search.task.epochs))
        for search in searches
        for trial in ended_trials(search.study)
    ]
    return [row for _, row in sorted(trials, key=lambda pair: pair[0])]


def row_of(trial: FrozenTrial, epochs: int) -> TrialRow:
    """A trial that ended, of so many epochs at most."""
    return TrialRow(
        number=trial.number,
        epochs=epochs,
        state=STATES[trial.state],
        value=value_of_trial(trial),
        seconds=float(trial.user_attrs.get("seconds", 0.0)),
        origin=origin(trial),
        settings=settings_of(trial),
        fault=str(trial.user_attrs.get("fault", "")),
    )


def value_of_trial(trial: FrozenTrial) -> float | None:
    """Its best epoch's figure, as far as it was trained; None where it was not."""
    seen: dict[int, Any] = trial.intermediate_values
    return max(seen.values(), default=None) if trial.value is None else trial.value


def importance_of(study: optuna.Study, seed: int) -> dict[str, float]:
    """The share of the complete trials' variance that each setting explains (fANOVA, Hutter 2014).

    Empty where there are too few of them, or they are all alike.
    """
    complete = [
        trial
        for trial in ended_trials(study)
        if trial.state == TrialState.COMPLETE and trial.params
    ]
    if len(complete) < LEAST_COMPLETE or len({trial.value for trial in complete}) == 1:
        return {}
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
