"""A bundle is published only with what it was made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.registry.challenger import Challenger, histories_to_record
from slmrec.runtime import Recommender
from tests.support.registries import suited_histories


@pytest.fixture
def bundle(good_bundle: Path, tmp_path: Path) -> Path:
    """artifacts/bundle of a project of the test's own."""
    return Path(shutil.copytree(good_bundle.parents[1], tmp_path / "own")) / "artifacts/bundle"


def test_what_lies_beside_a_bundle_belongs_to_it(bundle: Path) -> None:
    challenger = Challenger.beside(bundle, "student")
    assert challenger.student_dir == bundle.parent / "student/student"
    assert challenger.teacher_dir == bundle.parent / "teacher"
    assert challenger.metrics_dir == bundle.parents[1] / "metrics"
    assert challenger.histories().items.tolist() == suited_histories().items.tolist()


def test_models_and_metrics_that_are_not_there_are_left_out(bundle: Path) -> None:
    for folder in ("student", "teacher", "../metrics"):
        shutil.rmtree(bundle.parent / folder)
    challenger = Challenger.beside(bundle, "student")
    assert challenger.student_dir is challenger.teacher_dir is challenger.metrics_dir is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("artifacts/histories/summary.json", "histories"),
        ("artifacts/student/student/config.json", "student"),
        ("metrics/evaluation.json", "evaluation"),
    ],
)
def test_what_is_of_another_run_is_refused(bundle: Path, file: str, name: str) -> None:
    path = bundle.parents[1] / file
    path.write_text(path.read_text() + "\n")
    with pytest.raises(UsageError, match=f"was made with other {name} than lie in .*dvc repro"):
        Challenger.beside(bundle, "student")


def test_without_histories_there_is_no_window(bundle: Path) -> None:
    shutil.rmtree(bundle.parent / "histories")
    with pytest.raises(UsageError, match="histories is missing: the gate measures on"):
        Challenger.beside(bundle, "student")


def test_a_damaged_bundle_is_no_challenger(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"torn")
    with pytest.raises(BundleError, match="was altered"):
        Challenger.beside(bundle, "student")


def test_recorded_are_inputs_of_the_window_in_external_ids(good_bundle: Path) -> None:
    recommender, histories = Recommender(good_bundle, "cpu", 1), suited_histories()
    inputs = histories_to_record(recommender, histories, 1000, seed=1)
    targets = histories.targets["test"]
    assert len(inputs) == len(targets.row)  # as many as there are
    first = histories.history(0, 0, int(targets.input_stop[0]))
    assert inputs[0] == [f"i{item}" for item in first]
    few = histories_to_record(recommender, histories, 5, seed=1)
    assert len(few) == 5 and all(row in inputs for row in few)
    assert few == histories_to_record(recommender, histories, 5, seed=1)
