"""dvc.yaml names all that a stage reads and nothing that it does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flows.dvc_stages import stage_order
from slmrec.params.params_file import Params
from slmrec.params.section import Section
from tests.support.project import ROOT
from tests.support.stages import STAGES, names

ALL = [
    "prepare",
    "validate",
    "split",
    "neighbours",
    "embed_items",
    "train_teacher",
    "record_states",
    "distill_student",
    "evaluate",
    "export_onnx",
    "measure_cost",
]
TRAININGS = {"embed_items", "train_teacher", "record_states", "distill_student"}
PARAMS = ROOT / "slmrec" / "params"


def imported_files(file: Path) -> set[Path]:
    """Every file of slmrec that `file` imports, anywhere in it, and what those import."""
    imported: set[Path] = set()
    waiting = [file]
    while waiting:
        new = {path for name in _imports(waiting.pop()) if (path := _file_of(name))} - imported
        imported |= new
        waiting += new
    return imported


def _imports(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports are not followed; import from slmrec"
            modules |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in modules if name.split(".")[0] == "slmrec"}


def _file_of(module: str) -> Path | None:
    path = ROOT / Path(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    package = path / "__init__.py"
    # A package file that says nothing but what the package is cannot change a result.
    return package if package.is_file() and _does_something(package) else None


def _does_something(file: Path) -> bool:
    body = ast.parse(file.read_text()).body
    return any(not isinstance(node, ast.Expr | ast.ImportFrom) for node in body)


def code_deps(stage: str) -> list[Path]:
    """The files and folders of slmrec that dvc.yaml names for a stage."""
    return [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("slmrec")]


def code_of(stage: str) -> set[Path]:
    """What a stage runs: its own file and all that it imports.

    Without params, whose sections hold no values.
    """
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
    sections = {
        section
        for section in _all_subclasses(Section)
        if section.__module__.startswith("slmrec.params")
    }
    assert Params in sections
    assert len(sections) > 30
    preset = {
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if not field.is_required()
    }
    assert not preset, "a number lives in params.yaml and nowhere else"


def _all_subclasses(kind: type[Section]) -> set[type[Section]]:
    direct = set(kind.__subclasses__())
    return direct | {section for child in direct for section in _all_subclasses(child)}


@pytest.mark.parametrize(
    ("room", "trained_again"),
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
    room: str, trained_again: set[str]
) -> None:
    edited = ROOT / "slmrec" / room
    stale = {
        stage
        for stage in STAGES
        if any(
            dep == edited or dep in edited.parents or edited in dep.parents
            for dep in code_deps(stage)
        )
    }
    assert stale & TRAININGS == trained_again


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_names_exactly_the_data_it_reads_and_writes(stage: str) -> None:
    section = STAGES[stage]
    outputs = names([*section.get("outs", []), *section.get("metrics", [])])
    inputs = [dep for dep in section["deps"] if not dep.startswith("slmrec")]
    command = ["exec", "python", "-m", f"slmrec.stages.{stage}", *inputs, *outputs]
    assert section["cmd"].split() == command


def test_dvc_orders_the_stages_as_the_design_does() -> None:
    assert stage_order(ROOT) == ALL
