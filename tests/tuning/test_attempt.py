"""A trial's epochs are reported, and weak ones are stopped; those that somebody chose are not."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import optuna
import pytest

from slmrec.training.run import Curve
from slmrec.tuning.attempt import Attempt, OutOfTimeError, best_of, stopped_at
from slmrec.tuning.studies import ask_for, open_storage, open_study
from slmrec.tuning.task import Task
from tests.tuning.support import task_of

EPOCHS = {"embed_items.training.epochs": 4}


def curve_of(*values: float) -> Curve:
    return [{"epoch": epoch, "valid_ndcg@10": value} for epoch, value in enumerate(values, start=1)]


def study_of(task: Task) -> optuna.Study:
    """A study with five trials that reached .5 in every epoch."""
    study = open_study(open_storage(), task)
    for _ in range(5):
        trial = study.ask()
        for epoch in range(1, 5):
            trial.report(0.5, epoch)
        study.tell(trial, 0.5)
    return study


def test_every_epoch_is_reported_once_and_the_last_may_be_weak(project: Path) -> None:
    task = task_of(changes=EPOCHS)
    study = study_of(task)
    attempt = Attempt(task, study.ask(), {})
    for last in range(1, 5):
        attempt.watch(curve_of(0.6, 0.1, 0.1, 0.1)[:last])
    assert study.get_trials()[-1].intermediate_values == {1: 0.6, 2: 0.1, 3: 0.1, 4: 0.1}
    attempt = Attempt(task, study.ask(), {})
    attempt.watch(curve_of(0.1, 0.1, 0.1, 0.1))  # resumed at its end
    assert len(study.get_trials()[-1].intermediate_values) == 4


def test_a_trial_below_the_median_is_stopped_after_the_epochs_that_each_gets(project: Path) -> None:
    task = task_of(changes=EPOCHS)  # .34 of 4 epochs: two
    attempt = Attempt(task, study_of(task).ask(), {})
    attempt.watch(curve_of(0.4))
    with pytest.raises(optuna.TrialPruned):
        attempt.watch(curve_of(0.4, 0.4))


def test_settings_that_somebody_chose_are_trained_to_their_end(project: Path) -> None:
    task = task_of(changes=EPOCHS)
    study = study_of(task)
    ask_for(study, {}, "params.yaml")
    attempt = Attempt(task, study.ask(), {})
    attempt.watch(curve_of(0.4, 0.4))
    attempt.watch(curve_of(0.4, 0.4, 0.4))


def wait_for_the_alarm() -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pass


def test_work_ends_where_time_is_up_in_the_middle_of_an_epoch() -> None:
    with pytest.raises(OutOfTimeError), stopped_at(time.time() + 0.05):
        wait_for_the_alarm()
    with pytest.raises(OutOfTimeError), stopped_at(time.time() - 1):
        raise AssertionError("begun without time")


def test_work_that_ends_in_time_or_has_no_end_leaves_no_alarm_behind() -> None:
    for ends in (None, time.time() + 600):
        with stopped_at(ends):
            pass
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_the_checkpoint_is_that_of_the_settings_and_the_search(project: Path) -> None:
    task = task_of(changes=EPOCHS)
    study = open_study(open_storage(), task)
    one, same = (Attempt(task, study.ask(), {"embed_items.dropout": 0.1}) for _ in range(2))
    other = Attempt(task, study.ask(), {"embed_items.dropout": 0.2})
    assert one.checkpoint == same.checkpoint != other.checkpoint
    assert Attempt(task.shortened(2), study.ask(), one.settings).checkpoint != one.checkpoint
    assert other.params["embed_items"]["dropout"] == 0.2


def test_what_a_trial_cost_before_it_was_interrupted_counts(project: Path) -> None:
    study = open_study(open_storage(), task_of())
    trial = study.ask()
    trial.set_user_attr("spent", 40.0)
    Attempt(task_of(), trial, {}, started=time.monotonic() - 2).note_seconds()
    assert 42 <= trial.user_attrs["seconds"] < 60


def test_the_figure_is_that_of_the_epoch_whose_weights_are_kept() -> None:
    assert best_of(curve_of(0.1, 0.3, 0.2)) == 0.3
