"""A search begins with params.yaml, hangs on its trials alone, and keeps the best model."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import TrainingError
from slmrec.core.files import sha256_of
from slmrec.init.params_writer import revise
from slmrec.stages import embed_items
from slmrec.training.run import Curve, Watch
from slmrec.tuning.search import Search
from slmrec.tuning.settings import Sections
from slmrec.tuning.studies import ended_trials, put_back_interrupted, settings_of
from slmrec.tuning.task import Limits, Task
from slmrec.tuning.trainers import Trained
from tests.support.small_pipeline import CHAMPION
from tests.tuning.support import task_of

RATE, DROPOUT = "embed_items.training.learning_rate", "embed_items.dropout"


def silent(search: Search, number: int) -> None:
    """A report that says nothing."""


def run(task: Task) -> Search:
    search = Search(task)
    put_back_interrupted(search.study)
    exhaust(search)
    return search


def exhaust(search: Search) -> None:
    while search.run_next(silent):
        pass


def tried(search: Search) -> list[tuple[Sections, float | None]]:
    return [(settings_of(trial), trial.value) for trial in ended_trials(search.study)]


def test_the_first_trial_is_params_yaml_as_it_stands(project: Path) -> None:
    search = run(task_of(trials=3))
    assert tried(search)[0][0] == {RATE: 0.003, DROPOUT: 0.4}
    assert len(tried(search)) == 3
    assert len({settings[RATE] for settings, _ in tried(search)}) == 3


def test_the_best_model_is_kept_as_the_stage_makes_it(project: Path) -> None:
    search = run(task_of(trials=3))
    best = max(range(3), key=lambda number: (tried(search)[number][1], -number))
    folder = search.best_model()
    assert folder is not None and folder.name == str(best)
    assert [path.name for path in folder.parent.iterdir()] == [str(best)]
    settings = tried(search)[best][0]
    params = Path("params.yaml")
    params.write_text(revise(params.read_text(), settings))
    events, histories = Path("artifacts/events"), Path("artifacts/histories")
    embed_items.main(
        events, histories, CHAMPION, item_vectors_dir=Path("vectors"), ensemble_dir=Path("ensemble")
    )
    made = sha256_of(Path("vectors/sasrec/model.safetensors"))
    assert sha256_of(folder / "sasrec" / "model.safetensors") == made


def test_what_was_interrupted_goes_on_and_the_search_ends_as_if_it_had_not_been(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = tried(run(task_of(trials=4)))
    monkeypatch.setenv("SLMREC_CACHE", str(project / "another"))
    search = Search(task_of(trials=4))
    train, calls = search.trainer, []

    def interrupted(params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        calls.append(checkpoint.path)
        if len(calls) == 3:

            def stop(curve: Curve) -> None:
                raise KeyboardInterrupt

            return train(params, checkpoint, stop)
        return train(params, checkpoint, watch)

    monkeypatch.setattr(search, "trainer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exhaust(search)
    assert calls[2].is_file()  # after one epoch
    assert len(tried(search)) == 2
    assert tried(run(task_of(trials=4))) == undisturbed
    assert not calls[2].exists()


def test_a_killed_process_leaves_a_trial_that_is_asked_for_again(project: Path) -> None:
    search = Search(task_of(trials=2))
    search.study.ask()  # and nobody ever tells of it
    assert tried(run(task_of(trials=2)))[0][0] == {RATE: 0.003, DROPOUT: 0.4}
    assert len(tried(search)) == 2


def test_a_second_search_goes_on_even_once_the_best_settings_are_in_params_yaml(
    project: Path,
) -> None:
    task = task_of(trials=3)
    first = tried(run(task))
    better = {RATE: first[1][0][RATE], DROPOUT: first[1][0][DROPOUT]}
    again = run(task_of(trials=4, changes=better))
    assert tried(again)[:3] == first
    assert len(tried(again)) == 4
    other = run(task_of(trials=1, changes={"embed_items.feed_forward": 24}))
    assert len(tried(other)) == 1


def test_values_outside_the_space_are_held_by_a_search_of_their_own(project: Path) -> None:
    run(task_of(trials=2))
    search = run(task_of(trials=1, changes={RATE: 0.5}))
    assert tried(search)[0][0][RATE] == 0.5
    assert len(tried(search)) == 1


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(task_of(trials=3))
    train, calls = search.trainer, []

    def diverging(params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        calls.append(1)
        if len(calls) == 2:
            raise TrainingError("term ranking is nan at step 3")
        return train(params, checkpoint, watch)

    monkeypatch.setattr(search, "trainer", diverging)
    exhaust(search)
    states = [trial.state for trial in ended_trials(search.study)]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert ended_trials(search.study)[1].user_attrs["fault"] == "term ranking is nan at step 3"


def test_a_trial_that_was_told_before_ctrl_c_stays_as_it_is(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(task_of(trials=1))
    tell = search._tell

    def told_and_stopped(*words: Any) -> None:
        tell(*words)
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "_tell", told_and_stopped)
    with pytest.raises(KeyboardInterrupt):
        search.run_next(silent)
    (trial,) = ended_trials(search.study)
    assert trial.state == TrialState.COMPLETE


def with_limits(task: Task, part_ends: float, ends: float) -> Task:
    return replace(task, limits=Limits(part_ends, ends, None))


def test_a_trial_that_would_not_end_in_time_is_not_begun(project: Path) -> None:
    search = run(task_of(trials=1))
    (trial,) = ended_trials(search.study)
    now = time.time()
    assert trial.user_attrs["seconds"] < 500
    assert Search(with_limits(task_of(), now + 1000, now + 1000)).may_begin()
    assert not Search(with_limits(task_of(), now - 1, now + 1000)).may_begin()
    assert not Search(with_limits(task_of(), now, now)).may_begin()


def test_the_first_trial_of_a_part_needs_no_more_than_time_that_is_left(project: Path) -> None:
    now = time.time()
    assert Search(with_limits(task_of(), now - 1, now + 1000)).may_begin()
    assert not Search(with_limits(task_of(), now - 1, now - 1)).may_begin()


def test_a_trial_under_way_ends_with_the_budget_and_goes_on_another_time(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = tried(run(task_of(trials=1)))
    monkeypatch.setenv("SLMREC_CACHE", str(project / "another"))
    search = Search(with_limits(task_of(), time.time() + 1000, time.time() + 1000))
    train = search.trainer

    def slow(params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        def alarm(curve: Curve) -> None:
            signal.raise_signal(signal.SIGALRM)

        return train(params, checkpoint, alarm)

    monkeypatch.setattr(search, "trainer", slow)
    assert not search.run_next(silent)
    assert tried(search) == []
    assert len(list(search.folder.glob("checkpoints/*"))) == 1
    assert tried(run(task_of(trials=1))) == undisturbed
