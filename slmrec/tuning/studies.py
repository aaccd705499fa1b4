"""Searches in storage: opened again where they left off, with what was interrupted put back."""

from __future__ import annotations

import math
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.pruners import MedianPruner
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from slmrec.tuning.settings import distributions, present_values
from slmrec.tuning.space import Space
from slmrec.tuning.task import Task, tune_folder

PATIENT_SECONDS = 120  # that a process waits for another to finish writing
PRESENT, FOUND, SHORTER = "params.yaml", "search", "shorter trials"  # where settings come from
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def open_storage() -> RDBStorage:
    """The database of all searches with this cache."""
    path = tune_folder() / "trials.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return RDBStorage(
        f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": PATIENT_SECONDS}}
    )


def open_study(storage: RDBStorage, task: Task) -> optuna.Study:
    """The task's search: the one that was begun, if its bounds hold the present values.

    A new one begins with the settings as params.yaml has them.
    """
    wanted = distributions(task.part_space(), task.params)
    present, key = present_values(task.params, wanted), task.key
    names = sorted(
        name for name in optuna.get_all_study_names(storage) if name.startswith(f"{key}-")
    )
    for name in names:
        study = _load(storage, name, task)
        if _holds(bounds_of(study), present):
            return study
    study = optuna.create_study(
        storage=storage, study_name=f"{key}-{len(names)}", direction="maximize"
    )
    spelled = {name: distribution_to_json(bounds) for name, bounds in wanted.items()}
    study.set_user_attr("bounds", spelled)
    ask_for(study, present, PRESENT)
    return _load(storage, study.study_name, task)


def _load(storage: RDBStorage, name: str, task: Task) -> optuna.Study:
    study = optuna.load_study(study_name=name, storage=storage)
    study.pruner = _pruner(task.read_space(), task.epochs)
    return study


def _pruner(space: Space, epochs: int) -> MedianPruner:
    warmup = math.ceil(space.pruning.after_epochs * epochs)
    return MedianPruner(space.pruning.after_trials, n_warmup_steps=warmup)


def bounds_of(study: optuna.Study) -> dict[str, BaseDistribution]:
    """What a search draws from, by the names of the settings."""
    spelled = study.user_attrs["bounds"]
    return {name: json_to_distribution(text) for name, text in spelled.items()}


def _holds(bounds: dict[str, BaseDistribution], values: dict[str, Any]) -> bool:
    if bounds.keys() != values.keys():
        return False
    try:
        return all(
            bounds[name]._contains(bounds[name].to_internal_repr(value))
            for name, value in values.items()
        )
    except ValueError:  # no choice of the search
        return False


def put_back_interrupted(study: optuna.Study) -> None:
    """Ask again for what was not finished; nobody else may be at work on the search.

    A process that was killed leaves its trial running for ever. The trial itself is closed, and its
    settings are asked for again: its checkpoint is theirs.
    """
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        optuna.Trial(study, trial._trial_id).set_user_attr("interrupted", True)
        study.tell(trial.number, state=TrialState.FAIL)
    done = list(study.user_attrs.get("put back", []))
    failed = study.get_trials(states=(TrialState.FAIL,))
    for trial in failed:
        if is_interrupted(trial) and trial.number not in done:
            told = trial.user_attrs
            values, spent = told.get("asked", trial.params), told.get("seconds", 0.0)
            ask_for(study, values, origin(trial), spent)
            done.append(trial.number)
            study.set_user_attr("put back", done)


def ask_for(study: optuna.Study, values: dict[str, Any], origin: str, spent: float = 0.0) -> None:
    """Have these values tried next; `spent` is the seconds that they have cost already."""
    study.enqueue_trial(values, user_attrs={"origin": origin, "asked": values, "spent": spent})


def origin(trial: FrozenTrial) -> str:
    """Where its settings come from."""
    return str(trial.user_attrs.get("origin", FOUND))


def is_interrupted(trial: FrozenTrial) -> bool:
    """Whether it was stopped from outside, and is asked for again."""
    return bool(trial.user_attrs.get("interrupted"))


def ended_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that came to an end of their own, in the order in which they began."""
    trials = study.get_trials(states=ENDED)
    return [trial for trial in trials if not is_interrupted(trial)]


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """The complete trial of the best validation, the earlier of equals."""
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    return max(complete, key=lambda trial: (trial.value, -trial.number), default=None)


def goes_before(value: float | None, number: int, best: FrozenTrial | None) -> bool:
    """Whether a trial of this value is better than the best one so far."""
    if value is None or best is None or best.value is None:
        return value is not None
    return (value, -number) > (best.value, -best.number)


def settings_of(trial: FrozenTrial) -> dict[str, Any]:
    """What was tried, by the names of params.yaml."""
    return dict(trial.user_attrs["settings"])


def trial_of(study: optuna.Study, settings: dict[str, Any]) -> FrozenTrial | None:
    """The first complete trial of these settings."""
    for trial in study.get_trials(states=(TrialState.COMPLETE,)):
        if settings_of(trial) == settings:
            return trial
    return None
