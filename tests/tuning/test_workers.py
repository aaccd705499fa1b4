"""Several processes search one part together, and none does more than was asked for."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState

from slmrec.core.errors import UnavailableError
from slmrec.tuning.search import Search
from slmrec.tuning.studies import ended_trials, put_back_interrupted, settings_of
from slmrec.tuning.workers import run_trials
from tests.support.project import ROOT
from tests.support.waiting import wait_until
from tests.tuning.support import task_of


@pytest.fixture(autouse=True)
def path_of_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.acceptance
def test_two_workers_run_as_many_trials_as_one_and_none_twice(project: Path) -> None:
    search = Search(task_of(trials=5))
    run_trials(search, workers=2)
    trials = ended_trials(search.study)
    assert len(trials) == 5
    assert len({tuple(settings_of(trial).values()) for trial in trials}) == 5
    folder = search.best_model()
    assert folder is not None and [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_where_this_process_is_stopped_the_others_end_and_their_trials_are_put_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(task_of(trials=400))
    pids: list[int] = []

    def stopped(_report: object) -> bool:
        wait_until(lambda: len(search.study.get_trials(deepcopy=False)) > 1)  # of the other
        children = psutil.Process().children()
        pids.extend(child.pid for child in children if "slmrec.tuning.workers" in child.cmdline())
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "run_next", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_trials(search, workers=2)
    assert pids and not any(psutil.pid_exists(pid) for pid in pids)
    put_back_interrupted(search.study)
    assert search.study.get_trials(states=(TrialState.RUNNING,)) == []


def test_a_worker_that_fails_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search(task_of(trials=1))
    Path("artifacts/events/items.parquet").rename("items.parquet")
    monkeypatch.setattr(search, "run_next", lambda _report: False)  # all are left to the other
    with pytest.raises(UnavailableError, match=r"ended with code \d, .* is kept: run slmrec tune"):
        run_trials(search, workers=2)
