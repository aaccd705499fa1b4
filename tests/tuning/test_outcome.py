"""An outcome is told by trials alone: what was, what is better, what matters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from slmrec.tuning.outcome import importance_of, outcome_of
from slmrec.tuning.search import Search
from slmrec.tuning.studies import ask_for
from tests.tuning.support import task_of

RATE, DROPOUT = "embed_items.training.learning_rate", "embed_items.dropout"


def tell(search: Search, value: float | None, state: TrialState, **told: Any) -> None:
    """A trial that somebody trained elsewhere."""
    attempt = search._ask()
    for name, attribute in {"seconds": 2.0, **told}.items():
        attempt.trial.set_user_attr(name, attribute)
    if value is not None:
        attempt.trial.report(value, 1)
    ended = state == TrialState.COMPLETE
    search.study.tell(attempt.trial, value if ended else None, state=state)


@pytest.fixture
def search(project: Path) -> Search:
    """Five trials: params.yaml, a better one, two that were not trained to the end, a weak one."""
    search = Search(task_of())
    for value, state, told in (
        (0.20, TrialState.COMPLETE, {}),
        (0.30, TrialState.COMPLETE, {}),
        (0.10, TrialState.PRUNED, {}),
        (None, TrialState.FAIL, {"fault": "nan"}),
        (0.10, TrialState.COMPLETE, {}),
    ):
        tell(search, value, state, **told)
    return search


def test_what_is_better_is_what_differs_from_params_yaml(search: Search) -> None:
    outcome = outcome_of([search])
    assert (outcome.before, outcome.after) == (0.2, 0.3)
    assert outcome.present == {RATE: 0.003, DROPOUT: 0.4}
    assert outcome.better == outcome.best == outcome.trials[1].settings
    same = {**outcome.best, DROPOUT: 0.4}
    assert list(replace(outcome, best=same).better) == [RATE]
    assert replace(outcome, after=0.2).better == {}
    assert replace(outcome, after=None).better == {}
    assert replace(outcome, before=None).better == outcome.best


def test_trials_are_counted_by_their_ending_and_cost_their_seconds(search: Search) -> None:
    outcome = outcome_of([search])
    endings = ["complete", "complete", "stopped early", "failed", "complete"]
    assert [trial.state for trial in outcome.trials] == endings
    assert [trial.value for trial in outcome.trials] == [0.2, 0.3, 0.1, None, 0.1]
    assert (outcome.count("complete"), outcome.seconds) == (3, 5 * 2.0)
    assert outcome.trials[3].fault == "nan"
    assert [trial.origin for trial in outcome.trials[:2]] == ["params.yaml", "search"]
    assert {trial.epochs for trial in outcome.trials} == {2}


def test_importance_takes_enough_complete_trials(search: Search) -> None:
    assert outcome_of([search]).importance == {}  # three are complete
    for value in (0.15, 0.25, 0.22):
        tell(search, value, TrialState.COMPLETE)
    importance = outcome_of([search]).importance
    assert set(importance) == {RATE, DROPOUT}
    assert sum(importance.values()) == pytest.approx(1)
    assert outcome_of([search]).importance == importance
    assert importance_of(Search(task_of(changes={DROPOUT: 0.9})).study, seed=1) == {}


def test_only_trials_of_all_epochs_are_held_against_params_yaml(search: Search) -> None:
    short = Search(search.task.shortened(1))
    ask_for(short.study, {RATE: 0.004, DROPOUT: 0.1}, "search")
    for _ in range(6):
        tell(short, 0.9, TrialState.COMPLETE)
    outcome = outcome_of([search, short])
    assert outcome.after == 0.3
    assert [trial.epochs for trial in outcome.trials] == [2] * 5 + [1] * 6
