"""The report holds every model, is the same on every run, and ranks no model twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.core.files import read_json, sha256_of
from slmrec.evaluation.evaluator import Evaluator
from slmrec.evaluation.looks import looks_line
from slmrec.ranking.ranks import Ranks
from slmrec.ranking.scorers import Scorer
from slmrec.stages import evaluate
from tests.support.small_pipeline import (
    ENSEMBLE,
    HISTORIES,
    ITEM_VECTORS,
    NEIGHBOURS,
    STUDENT,
    TEACHER,
)

NEGATIVES, EVALUATION = Path("negatives.parquet"), Path("evaluation.json")
MODELS = {
    "popularity",
    "recent_popularity",
    "last_item_transition",
    "item_neighbours",
    "sasrec",
    "teacher",
    "student",
    "student_without_distillation",
    "student_with_neighbours",
    "ensemble",
}


def run_stage() -> str:
    """Run the stage; the hash of its report."""
    evaluate.main(
        HISTORIES,
        NEIGHBOURS,
        ITEM_VECTORS,
        ENSEMBLE,
        TEACHER,
        STUDENT,
        negatives_path=NEGATIVES,
        evaluation_path=EVALUATION,
    )
    return sha256_of(EVALUATION)


@pytest.fixture
def ranked_scorers(monkeypatch: pytest.MonkeyPatch) -> list[Scorer]:
    """The scorers that targets were ranked with."""
    scorers: list[Scorer] = []
    rank = Evaluator.rank

    def noted(evaluator: Evaluator, scorer: Scorer) -> Ranks:
        scorers.append(scorer)
        return rank(evaluator, scorer)

    monkeypatch.setattr(Evaluator, "rank", noted)
    return scorers


def test_the_report_holds_every_model_and_the_differences_of_pairs(trained: Path) -> None:
    run_stage()
    report = read_json(EVALUATION)
    assert set(report["models"]) == MODELS
    assert set(report["paired"]) == {
        "student-teacher",
        "student-student_without_distillation",
        "teacher-sasrec",
        "student-sasrec",
        "student-ensemble",
        "student-item_neighbours",
        "student_with_neighbours-student",
        "student_with_neighbours-item_neighbours",
        "student_with_neighbours-sasrec",
        "student_with_neighbours-ensemble",
    }
    assert report["models"]["last_item_transition"]["full"]["hr@1"] == 1  # the logs are a ring
    assert report["models"]["popularity"]["full"]["hr@1"] < 1


def test_each_test_user_has_its_negatives_stored(trained: Path) -> None:
    run_stage()
    table, report = pl.read_parquet(NEGATIVES), read_json(EVALUATION)
    assert table["user_index"].is_unique().all()
    assert len(table) == report["protocol"]["test_users"]
    protocol, drawn = report["protocol"], table["negatives"].list.len()
    assert protocol["fewest_negatives"] == drawn.min()
    # 15 items, of which everybody met 14 or all: nobody is left as many as are asked for
    assert set(drawn) <= {0, 1}
    assert protocol["negatives"] == 5


def test_a_second_run_ranks_nothing_and_writes_the_same_bytes(
    trained: Path, ranked_scorers: list[Scorer]
) -> None:
    first = run_stage()
    assert len(ranked_scorers) == len(MODELS)
    assert run_stage() == first
    assert len(ranked_scorers) == len(MODELS)


def test_how_often_test_was_looked_at_is_printed_and_is_no_part_of_the_report(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_stage()
    assert "test of these logs was looked at 1 time\n" in capsys.readouterr().out
    other = replace(STUDENT / "without_distillation", STUDENT / "student")
    run_stage()
    assert "looked at 2 times\n" in capsys.readouterr().out
    other()
    assert run_stage() == first
    assert looks_line(HISTORIES) == "test of these logs was looked at 2 times"


def replace(folder: Path, other: Path) -> Callable[[], None]:
    """Put a copy of another folder in the place of one; undone by what is returned."""
    kept = folder.with_name("kept")
    folder.rename(kept)
    shutil.copytree(other, folder)

    def undo() -> None:
        shutil.rmtree(folder)
        kept.rename(folder)

    return undo


def test_a_changed_model_is_ranked_again_and_no_other(
    trained: Path, ranked_scorers: list[Scorer]
) -> None:
    run_stage()
    ranked_scorers.clear()
    shutil.rmtree(STUDENT / "without_distillation")
    shutil.copytree(STUDENT / "student", STUDENT / "without_distillation")
    run_stage()
    assert len(ranked_scorers) == 1
    models = read_json(EVALUATION)["models"]
    assert models["student_without_distillation"] == models["student"]
    checkpoints = list(Path("cache/checkpoints/evaluate").iterdir())
    assert len(checkpoints) == len(MODELS)  # that of the model before is forgotten


def test_logs_without_a_test_target_are_refused(trained: Path) -> None:
    targets = pl.read_parquet(HISTORIES / "targets.parquet")
    targets.filter(pl.col("part") == "valid").write_parquet(HISTORIES / "targets.parquet")
    with pytest.raises(DataError, match="no test target to rank; choose an earlier"):
        run_stage()
