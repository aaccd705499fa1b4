"""A change makes stale what it must and nothing else.

Each stage is replaced by a stand-in whose outputs are the hash of everything that dvc.yaml says it
reads: the pipeline file and DVC are the real ones, and a whole run takes seconds. The real stages
run in the acceptance tests.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import change, make_project, run
from tests.support.stages import STAGES

ALL = list(STAGES)
STAND_IN = """
import hashlib, sys
from pathlib import Path
from ruamel.yaml import YAML

yaml = YAML(typ="safe")
stage = yaml.load(Path("dvc.yaml"))["stages"][Path(sys.argv[0]).stem]
params = yaml.load(Path("params.yaml"))
digest = hashlib.sha256(repr([params[name] for name in stage["params"]]).encode())
for dep in map(Path, stage["deps"]):
    files = [dep] if dep.is_file() else [path for path in dep.rglob("*") if path.is_file()]
    for file in sorted(files):
        digest.update(file.read_bytes())
for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
    path = Path(next(iter(out)) if isinstance(out, dict) else out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(digest.hexdigest())
with open("ran.txt", "a") as ran:
    print(Path(sys.argv[0]).stem, file=ran)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose every stage has run, each by its stand-in."""
    folder = make_project(tmp_path_factory.mktemp("finished") / "project")
    for stage in STAGES:
        (folder / "slmrec" / "stages" / f"{stage}.py").write_text(STAND_IN)
    assert ran(folder) == ALL
    return folder


def ran(folder: Path) -> list[str]:
    """The stages that `dvc repro` runs now, in their order."""
    record = folder / "ran.txt"
    record.unlink(missing_ok=True)
    run(folder, "dvc", "repro")
    return record.read_text().split() if record.exists() else []


def from_stage(name: str) -> list[str]:
    return ALL[ALL.index(name) :]


def stale(folder: Path) -> set[str]:
    """What DVC calls stale, and everything downstream of it in DVC's own graph."""
    from dvc.repo import Repo
    from dvc.stage import PipelineStage
    from networkx import ancestors

    with Repo(str(folder)) as repo:
        stages = {stage.addressing: stage for stage in repo.index.stages}
        changed = {stages[name] for name in repo.status()}
        graph = repo.index.graph
        following = {after for stage in changed for after in ancestors(graph, stage)}
        return {stage.name for stage in changed | following if isinstance(stage, PipelineStage)}


def test_an_unchanged_pipeline_runs_nothing(finished: Path) -> None:
    assert ran(finished) == []


def test_a_changed_number_of_the_student_runs_what_follows_and_changed_back_nothing(
    finished: Path,
) -> None:
    old = change(finished / "params.yaml", "distill_student.weights.cosine", 0.5)
    assert ran(finished) == ["distill_student", "evaluate", "export_onnx", "measure_cost"]
    change(finished / "params.yaml", "distill_student.weights.cosine", old)
    # The run cache gives back every output of the four, metrics included.
    assert ran(finished) == []


PARAMETERS = [
    ("compute.threads", 1, from_stage("embed_items")),
    ("prepare.seed", 1, ALL),
    ("prepare.min_weight", 2.0, ALL),
    ("validate.min_events", 900, from_stage("validate")),
    ("split.test_from", "10%", from_stage("split")),
    ("embed_items.dropout", 0.1, from_stage("embed_items")),
    ("train_teacher.training.epochs", 3, from_stage("train_teacher")),
    ("record_states.top", 8, from_stage("record_states")),
    ("distill_student.weights.ranking", 2.0, from_stage("distill_student")),
    ("distill_student.training.patience", 2, from_stage("distill_student")),
    ("evaluate.bootstrap", 100, from_stage("evaluate")),
    ("export_onnx.lengths", [1, 9], from_stage("export_onnx")),
    ("measure_cost.repeats", 2, ["measure_cost"]),
]


@pytest.mark.parametrize(
    ("key", "value", "expected"), PARAMETERS, ids=[case[0] for case in PARAMETERS]
)
def test_a_parameter_makes_stale_its_stage_and_what_follows(
    finished: Path, key: str, value: Any, expected: list[str]
) -> None:
    assert stale(finished) == set()
    old = change(finished / "params.yaml", key, value)
    try:
        assert sorted(stale(finished)) == sorted(expected)
    finally:
        change(finished / "params.yaml", key, old)


FILES: list[tuple[str, list[str]]] = [
    ("slmrec/demo/movielens.py", []),
    ("slmrec/cli.py", []),
    ("slmrec/params/prepare.py", []),
    ("flows/pipeline.py", []),
    ("slmrec/stages/evaluate.py", from_stage("evaluate")),
    ("slmrec/evaluation/evaluator.py", from_stage("evaluate")),
    ("slmrec/export/graph.py", from_stage("export_onnx")),
    ("slmrec/core/tables.py", ALL),
    ("data/small.inter", ALL),
]


@pytest.mark.parametrize(("name", "expected"), FILES, ids=[case[0] for case in FILES])
def test_a_file_makes_stale_only_the_stages_that_read_it(
    finished: Path, name: str, expected: list[str]
) -> None:
    file = finished / name
    old = file.read_bytes()
    file.write_bytes(old + b"\n")
    try:
        assert sorted(stale(finished)) == sorted(expected)
    finally:
        file.write_bytes(old)


@pytest.mark.acceptance
def test_the_stand_in_reads_all_that_dvc_says_it_reads(finished: Path) -> None:
    # The tables above are worth nothing if a stand-in's output ignores an input.
    before = hashlib.sha256((finished / "artifacts/student").read_bytes()).hexdigest()
    old = change(finished / "params.yaml", "prepare.seed", 2)
    assert ran(finished) == ALL
    assert hashlib.sha256((finished / "artifacts/student").read_bytes()).hexdigest() != before
    change(finished / "params.yaml", "prepare.seed", old)
    ran(finished)
