"""The whole pipeline on small logs, with every real stage: run, killed, undone, run again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.dvc_stages import stage_order
from flows.processes import process_group
from slmrec.core.files import sha256_of_folder
from tests.support.project import change, environment, make_project, run
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

REPRODUCIBLE = (
    "events",
    "histories",
    "item_vectors",
    "ensemble",
    "teacher",
    "teacher_states",
    "student",
    "bundle",
)
SMALL = {
    "embed_items.ensemble_seeds": [11, 12],
    "embed_items.training.epochs": 3,
    "train_teacher.backbone.layers": 4,
    "train_teacher.training.epochs": 12,
    "train_teacher.training.patience": 12,  # so that there is time to kill it in
    # So that a killed run has something to go on from.
    "train_teacher.training.checkpoint_seconds": 0.01,
    "record_states.blocks": [2, 4],
    "record_states.top": 8,
    "distill_student.decoder.teacher_layers": [1, 3],
    "distill_student.training.epochs": 12,
    "distill_student.training.patience": 12,
    "distill_student.training.checkpoint_seconds": 0.01,
    "evaluate.negatives": 20,
    "evaluate.bootstrap": 200,
    "measure_cost.repeats": 1,
    "measure_cost.batch": 16,
    "measure_cost.users": 32,
}


@pytest.fixture(scope="module")
def unrun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project that has not run, to be copied: code, logs and parameters for all tests."""
    folder = make_project(tmp_path_factory.mktemp("unrun") / "project")
    for key, value in SMALL.items():
        change(folder / "params.yaml", key, value)
    return folder


def hashes(project: Path) -> dict[str, str]:
    return {name: sha256_of_folder(project / "artifacts" / name, "*") for name in REPRODUCIBLE}


def reproduced(project: Path) -> list[str]:
    """Run `dvc repro`; returns the stages that really ran."""
    printed = run(project, "dvc", "repro").stdout
    return [line.split("'")[1] for line in printed.splitlines() if line.startswith("Running stage")]


@pytest.fixture(scope="module")
def whole(unrun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline ran through once, undisturbed."""
    project = Path(shutil.copytree(unrun, tmp_path_factory.mktemp("whole") / "project"))
    run(project, "slmrec.cli", "doctor")
    assert reproduced(project) == stage_order(project)
    return project


def test_the_bundle_passes_its_own_check_and_recommends_titles(whole: Path) -> None:
    assert "golden cases" in run(whole, "slmrec.cli", "verify", "artifacts/bundle").stdout
    lines = run(
        whole, "slmrec.cli", "recommend", "artifacts/bundle", "--history", "i1,i2,i3", "-k", "5"
    ).stdout.splitlines()
    assert len(lines) == 5
    assert all("Film " in line for line in lines)
    assert not any(line.split()[2] in ("i1", "i2", "i3") for line in lines)


def test_the_result_names_every_model_and_the_bundle(whole: Path) -> None:
    shown = run(whole, "slmrec.cli", "show").stdout
    for name in (
        "popularity",
        "recent_popularity",
        "last_item_transition",
        "sasrec",
        "teacher",
        "ensemble",
        "student",
        "student_onnx",
    ):
        assert f"| {name} " in shown
    assert "student-teacher" in shown
    assert "artifacts/bundle" in shown


def test_killed_twice_and_started_again_it_ends_with_the_same_bytes(
    whole: Path, unrun: Path, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(unrun, tmp_path / "killed"))
    kill_in_training(project, "train_teacher")
    assert not (project / "artifacts/teacher").exists()
    assert "teacher: resumed at epoch" in kill_in_training(project, "distill_student")
    assert not (project / "artifacts/student").exists()
    printed = run(project, "dvc", "repro").stdout
    assert "student: resumed at epoch" in printed
    # It was finished on the way to the second kill.
    assert "Running stage 'train_teacher'" not in printed
    assert hashes(project) == hashes(whole)
    evaluation = "metrics/evaluation.json"
    assert (project / evaluation).read_bytes() == (whole / evaluation).read_bytes()


def kill_in_training(project: Path, stage: str) -> str:
    """Start `dvc repro`, kill it and all its processes in the training of `stage`.

    The moment is that of the first checkpoint. Returns what was printed.
    """
    checkpoints, printed = project / ".cache/checkpoints" / stage, project / f"{stage}.txt"

    def has_checkpoint() -> bool:
        assert repro.poll() is None, (
            f"dvc repro ended with {repro.returncode} before {stage} was trained:\n"
            f"{printed.read_text()}"
        )
        return any(checkpoints.glob("*.safetensors"))

    with (
        printed.open("w") as output,
        process_group("dvc", ["repro"], project, output.fileno()) as repro,
    ):
        wait_until(has_checkpoint, every=0.005)
        repro.kill()
    return printed.read_text()


def test_nothing_runs_again_when_nothing_has_changed(whole: Path) -> None:
    assert reproduced(whole) == []


def test_a_changed_number_of_the_student_runs_four_stages_and_back_again_none(whole: Path) -> None:
    before = hashes(whole)
    old = change(whole / "params.yaml", "distill_student.weights.cosine", 0.25)
    assert reproduced(whole) == ["distill_student", "evaluate", "export_onnx", "measure_cost"]
    assert hashes(whole)["bundle"] != before["bundle"]
    change(whole / "params.yaml", "distill_student.weights.cosine", old)
    assert reproduced(whole) == []
    assert hashes(whole) == before


def test_a_failed_stage_names_the_way_back_and_checkout_brings_the_last_good_outputs(
    whole: Path,
) -> None:
    before = hashes(whole)
    old = change(whole / "params.yaml", "validate.min_events", 10**9)
    failed = run(whole, "dvc", "repro", check=False)
    assert failed.returncode != 0
    assert "come back with: dvc checkout --force validate" in failed.stderr
    change(whole / "params.yaml", "validate.min_events", old)
    run(whole, "dvc", "checkout", "--force", "validate")
    assert hashes(whole) == before
    assert reproduced(whole) == []


def test_the_flow_does_the_same_as_dvc_repro(whole: Path) -> None:
    settings = {
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_HOME": str(whole / ".cache/prefect"),
    }
    flow = subprocess.run(
        [sys.executable, "-m", "flows.once"],
        cwd=whole,
        env={**environment(), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = flow.stdout + flow.stderr
    assert flow.returncode == 0, printed
    for stage in stage_order(whole):
        assert f"Stage '{stage}' didn't change, skipping" in printed
    assert json.loads((whole / "metrics/evaluation.json").read_text())["models"]
