"""Parts follow each other with the best of those before, and share the time by rule."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from slmrec.core.files import sha256_of
from slmrec.stages import distill_student, embed_items, record_states, train_teacher
from slmrec.tuning import plan
from slmrec.tuning.outcome import Outcome
from slmrec.tuning.plan import Request, search_parts
from slmrec.tuning.search import Search
from slmrec.tuning.studies import PRESENT, SHORTER
from slmrec.tuning.task import Limits
from tests.support.small_pipeline import CHAMPION
from tests.tuning.support import LOGS, params_of, small_space, task_of
from tests.tuning.test_outcome import tell

PARTS = ["item_vectors", "teacher", "student", "without_distillation", "neighbours"]


def request(trials: int | None = None, seconds: float | None = None) -> Request:
    return Request(params_of(), small_space(), LOGS, seconds, trials, workers=1)


def test_each_part_starts_from_the_best_before_it_and_ends_as_the_pipeline_would(
    project: Path,
) -> None:
    outcomes = list(search_parts(request(trials=2)))
    assert [outcome.part for outcome in outcomes] == PARTS
    assert [len(outcome.trials) for outcome in outcomes] == [2, 2, 2, 1, 2]
    assert all(outcome.trials[0].origin == PRESENT for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.before is not None and outcome.after is not None
        assert outcome.after >= outcome.before
    best = {name: value for outcome in outcomes for name, value in outcome.best.items()}
    made = whole_pipeline(best)
    student = Search(replace(task_of(trials=1), part="student")).folder.parent
    (kept,) = student.glob("student-*/models/*/model.safetensors")
    assert sha256_of(kept) == sha256_of(made / "student/model.safetensors")
    (alone,) = student.glob("without_distillation-*/models/*/model.safetensors")
    assert sha256_of(alone) == sha256_of(made / "without_distillation/model.safetensors")


def whole_pipeline(settings: dict[str, float]) -> Path:
    """The stages' students with these settings."""
    from slmrec.init.params_writer import revise

    params = Path("params.yaml")
    params.write_text(revise(params.read_text(), settings))
    histories, vectors = Path("artifacts/histories"), Path("vectors")
    embed_items.main(
        Path("artifacts/events"),
        histories,
        CHAMPION,
        item_vectors_dir=vectors,
        ensemble_dir=Path("ensemble"),
    )
    train_teacher.main(histories, vectors, CHAMPION, teacher_dir=Path("teacher"))
    record_states.main(
        histories, Path("ensemble"), Path("teacher"), teacher_states_dir=Path("states")
    )
    distill_student.main(
        histories, Path("teacher"), Path("states"), CHAMPION, student_dir=Path("student")
    )
    return Path("student")


def test_a_part_has_its_share_of_what_is_left(project: Path) -> None:
    ends = time.time() + 1000
    first = plan._limits(request(seconds=1000), "item_vectors", ends)
    assert first.part_ends == pytest.approx(time.time() + 500, abs=5)  # .5 of 1
    second = plan._limits(request(seconds=1000), "teacher", ends)
    assert second.part_ends == pytest.approx(time.time() + 500, abs=5)  # .25 of .5
    last = plan._limits(request(seconds=1000), "neighbours", ends)
    assert last.part_ends == pytest.approx(ends, abs=5)
    assert plan._limits(request(trials=3), "teacher", None) == Limits(None, None, 3)


def test_without_time_nothing_is_begun(project: Path) -> None:
    assert list(search_parts(request(seconds=-1.0))) == []


@pytest.mark.parametrize(
    ("left", "epochs"),
    [
        (1000, None),  # time for 10 trials of 100 s, and 8 are enough
        (600, 2),  # 5 beside the one in full: 8 of .5 epochs take 4
        (400, 1),  # 3 beside it: 8 of .25 take 2
        (150, None),  # not even one more in full
    ],
)
def test_trials_are_shorter_where_there_is_no_time_for_enough(
    project: Path, left: float, epochs: int | None
) -> None:
    task = task_of(changes={"embed_items.training.epochs": 4})
    now = time.time()
    search = Search(replace(task, limits=Limits(now + left, now + left, None)))
    tell(search, 0.2, TrialState.COMPLETE, seconds=100.0)
    assert plan._shorter_epochs(search, workers=1) == epochs


def test_the_best_of_shorter_trials_counts_once_it_is_trained_in_full(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_shorter_epochs", lambda _search, _workers: 1)
    monkeypatch.setattr(plan, "make_materials", lambda _task: {})
    outcome = first_of(request(trials=3, seconds=600))
    assert [trial.epochs for trial in outcome.trials] == [2, 1, 1, 1, 2]
    origins = [trial.origin for trial in outcome.trials]
    assert (origins[0], origins[1], origins[4]) == (PRESENT, PRESENT, SHORTER)
    best = max(outcome.trials[1:4], key=lambda trial: trial.value or 0)
    assert outcome.trials[4].settings == best.settings != outcome.present
    assert outcome.before == outcome.trials[0].value
    assert len(first_of(request(trials=3, seconds=600)).trials) == 5  # a second search


def first_of(asked: Request) -> Outcome:
    return next(iter(search_parts(asked)))
