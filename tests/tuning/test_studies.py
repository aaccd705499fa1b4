"""Searches in storage: which one is opened again, which trial is the best."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import TrialState

from slmrec.tuning.studies import (
    PRESENT,
    best_trial,
    ended_trials,
    goes_before,
    open_storage,
    open_study,
    origin,
    put_back_interrupted,
    trial_of,
)
from tests.tuning.support import task_of

RATE, DROPOUT = "embed_items.training.learning_rate", "embed_items.dropout"


def told(study: optuna.Study, value: float | None, state: TrialState) -> int:
    trial = study.ask()
    rate, dropout = (
        trial.suggest_float(RATE, 1e-3, 1e-2, log=True),
        trial.suggest_float(DROPOUT, 0, 0.5),
    )
    trial.set_user_attr("settings", {RATE: rate, DROPOUT: dropout})
    study.tell(trial, value, state=state)
    return trial.number


def test_the_earlier_of_equal_trials_is_the_best(project: Path) -> None:
    study = open_study(open_storage(), task_of())
    assert best_trial(study) is None
    for value in (0.2, 0.5, 0.5, 0.1):
        told(study, value, TrialState.COMPLETE)
    best = best_trial(study)
    assert best is not None and best.number == 1
    assert goes_before(0.6, 9, best) and not goes_before(0.5, 9, best)
    assert goes_before(0.5, 0, best) and not goes_before(None, 0, None)
    assert trial_of(study, {RATE: 0.003, DROPOUT: 0.4}) == study.get_trials()[0]
    assert trial_of(study, {RATE: 0.003, DROPOUT: 0.3}) is None


def test_an_interrupted_trial_is_put_back_once_and_with_its_origin(project: Path) -> None:
    study = open_study(open_storage(), task_of())
    trial = study.ask()
    trial.set_user_attr("interrupted", True)
    trial.set_user_attr("seconds", 40.0)
    study.tell(0, state=TrialState.FAIL)
    for _ in range(2):
        put_back_interrupted(study)
    (waiting,) = study.get_trials(states=(TrialState.WAITING,))
    assert origin(waiting) == PRESENT
    assert waiting.user_attrs["spent"] == 40
    assert study.ask().suggest_float(RATE, 1e-3, 1e-2, log=True) == 0.003
    assert ended_trials(study) == []


def test_a_failed_trial_is_not_put_back(project: Path) -> None:
    study = open_study(open_storage(), task_of())
    told(study, None, TrialState.FAIL)
    put_back_interrupted(study)
    assert study.get_trials(states=(TrialState.WAITING,)) == []
    assert len(ended_trials(study)) == 1


def test_a_search_is_opened_again_where_it_holds_the_present_values(project: Path) -> None:
    storage = open_storage()
    first = open_study(storage, task_of())
    assert open_study(storage, task_of(changes={DROPOUT: 0.1})).study_name == first.study_name
    outside = open_study(storage, task_of(changes={DROPOUT: 0.9}))
    assert outside.study_name != first.study_name
    # the wider one holds these too, but the first one is asked first
    assert open_study(storage, task_of()).study_name == first.study_name
