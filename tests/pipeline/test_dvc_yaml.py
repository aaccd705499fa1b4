"""dvc.yaml: its deps are complete, and a change makes stale what it must and nothing else."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.dvc_stages import stage_order
from slmrec.params.params_file import Params
from slmrec.params.section import Section
from tests.support.project import ROOT, change, make_project, run

DATA = ["prepare", "validate", "split"]
MODELS = ["embed_items", "train_teacher", "record_states", "distill_student"]
ALL = [*DATA, *MODELS, "evaluate", "export_onnx", "measure_cost"]
PARAMS = ROOT / "slmrec" / "params"
STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def imported_files(file: Path) -> set[Path]:
    """Every file of slmrec that `file` imports, at the top or inside a function, and what those import."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        new = {path for name in _imports(waiting.pop()) if (path := _file_of(name))} - found
        found |= new
        waiting += new
    return found


def _imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports are not followed; import from slmrec"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "slmrec"}


def _file_of(module: str) -> Path | None:
    path = ROOT / Path(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    package = path / "__init__.py"
    # A package file that says nothing but what the package is cannot change a result.
    return package if package.is_file() and _does_something(package) else None


def _does_something(file: Path) -> bool:
    said = ast.parse(file.read_text()).body
    return any(not isinstance(node, ast.Expr | ast.ImportFrom) for node in said)


def code_deps(stage: str) -> list[Path]:
    """The files and folders of slmrec that dvc.yaml names for a stage."""
    return [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("slmrec")]


def code_of(stage: str) -> set[Path]:
    """What a stage runs: its own file and all that it imports, but for params, whose sections hold no values."""
    file = ROOT / "slmrec" / "stages" / f"{stage}.py"
    return {path for path in imported_files(file) | {file} if path.parent != PARAMS}


@pytest.mark.parametrize("stage", STAGES)
def test_every_slmrec_module_a_stage_imports_lies_under_a_dep(stage: str) -> None:
    deps = code_deps(stage)
    missing = sorted(
        path.relative_to(ROOT).as_posix()
        for path in code_of(stage)
        if path not in deps and not any(dep in path.parents for dep in deps)
    )
    assert not missing, (
        f"dvc.yaml would serve stale results; add to the deps of {stage}: {', '.join(missing)}"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_depends_on_code_it_does_not_import(stage: str) -> None:
    files = code_of(stage)
    spare = [
        dep
        for dep in code_deps(stage)
        if dep not in files and not any(dep in path.parents for path in files)
    ]
    assert not spare, (
        f"a change there would rerun {stage} for nothing; remove from its deps: {spare}"
    )


def test_sections_hold_no_values_so_that_no_stage_depends_on_them() -> None:
    sections = [
        each for each in _all_subclasses(Section) if each.__module__.startswith("slmrec.params")
    ]
    assert Params in sections
    assert len(sections) > 30
    for section in sections:
        preset = [name for name, field in section.model_fields.items() if not field.is_required()]
        assert not preset, (
            f"{section.__name__} presets {', '.join(preset)}: a number lives in params.yaml and nowhere else"
        )


def _all_subclasses(kind: type[Section]) -> set[type[Section]]:
    return {found for each in kind.__subclasses__() for found in {each, *_all_subclasses(each)}}


TRAININGS = {"embed_items", "train_teacher", "record_states", "distill_student"}


@pytest.mark.parametrize(
    ("room", "trains"),
    [
        ("evaluation", set()),
        ("export", set()),
        ("params", set()),
        ("runtime", set()),
        ("preprocessing", set()),
        ("studies", set()),
        ("training/losses", TRAININGS - {"record_states"}),
        ("distillation/objective.py", {"distill_student"}),
        ("pretrained/backbone.py", {"train_teacher"}),
        ("pretrained/title_vectors.py", {"embed_items", "train_teacher"}),
        ("models", TRAININGS),
    ],
)
def test_an_edit_of_a_room_trains_again_what_it_can_change_and_nothing_else(
    room: str, trains: set[str]
) -> None:
    edited = ROOT / "slmrec" / room
    hit = {
        stage
        for stage in STAGES
        if any(
            dep == edited or dep in edited.parents or edited in dep.parents
            for dep in code_deps(stage)
        )
    }
    assert hit & TRAININGS == trains


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_names_exactly_the_data_it_reads_and_writes(stage):
    said = STAGES[stage]
    outs = [
        next(iter(out)) if isinstance(out, dict) else out
        for out in [*said.get("outs", []), *said.get("metrics", [])]
    ]
    inputs = [dep for dep in said["deps"] if not dep.startswith("slmrec")]
    assert said["cmd"].split() == ["exec", "python", "-m", f"slmrec.stages.{stage}", *inputs, *outs]


def test_dvc_orders_the_stages_as_the_design_does():
    assert stage_order(ROOT) == ALL


# Each stage is replaced by a stand-in whose outputs are the hash of everything dvc.yaml says it
# reads: the pipeline file and DVC are the real ones, and a whole run takes seconds. The real stages
# run in the acceptance tests.
STAND_IN = """
import hashlib, sys
from pathlib import Path
from ruamel.yaml import YAML

yaml = YAML(typ="safe")
stage = yaml.load(Path("dvc.yaml"))["stages"][Path(sys.argv[0]).stem]
params = yaml.load(Path("params.yaml"))
digest = hashlib.sha256(repr([params[name] for name in stage["params"]]).encode())
for dep in stage["deps"]:
    for file in sorted([Path(dep)] if Path(dep).is_file() else (path for path in Path(dep).rglob("*") if path.is_file())):
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
        following = {stage for each in changed for stage in ancestors(repo.index.graph, each)}
        return {stage.name for stage in changed | following if isinstance(stage, PipelineStage)}


def test_an_unchanged_pipeline_runs_nothing(finished):
    assert ran(finished) == []


def test_changing_one_number_of_the_student_runs_what_follows_and_changing_it_back_runs_nothing(
    finished,
):
    old = change(finished / "params.yaml", "distill_student.weights.cosine", 0.5)
    assert ran(finished) == ["distill_student", "evaluate", "export_onnx", "measure_cost"]
    change(finished / "params.yaml", "distill_student.weights.cosine", old)
    assert (
        ran(finished) == []
    )  # the run cache gives back every output of the four, metrics included


CASES = [
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


@pytest.mark.parametrize(("key", "value", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_parameter_makes_stale_its_stage_and_what_follows(finished, key, value, expected):
    assert stale(finished) == set()
    old = change(finished / "params.yaml", key, value)
    try:
        assert sorted(stale(finished)) == sorted(expected)
    finally:
        change(finished / "params.yaml", key, old)


FILES = [
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
def test_a_file_makes_stale_only_the_stages_that_read_it(finished, name, expected):
    file = finished / name
    old = file.read_bytes()
    file.write_bytes(old + b"\n")
    try:
        assert sorted(stale(finished)) == sorted(expected)
    finally:
        file.write_bytes(old)


def test_the_stand_in_reads_all_that_dvc_says_it_reads(finished):
    # The table above is worth nothing if a stand-in's output ignores an input.
    before = hashlib.sha256((finished / "artifacts/student").read_bytes()).hexdigest()
    old = change(finished / "params.yaml", "prepare.seed", 2)
    assert ran(finished) == ALL
    assert hashlib.sha256((finished / "artifacts/student").read_bytes()).hexdigest() != before
    change(finished / "params.yaml", "prepare.seed", old)
    ran(finished)
