"""Tasks of the small project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from slmrec.init.params_writer import revise
from slmrec.params.section import read_yaml
from slmrec.tuning.settings import Sections, changed
from slmrec.tuning.space import SPACE, Space, read_space
from slmrec.tuning.task import Limits, Logs, Task
from tests.support.project import ROOT
from tests.support.small_pipeline import CHANGES, TRAINING

LOGS = Logs(Path("artifacts/events/items.parquet"), Path("artifacts/histories"))
RATE = "embed_items.training.learning_rate"
RANGES = {
    "item_vectors": {
        "embed_items.training.learning_rate": {"kind": "log", "low": 1e-3, "high": 1e-2},
        "embed_items.dropout": {"kind": "uniform", "low": 0.0, "high": 0.5},
    },
    "teacher": {"train_teacher.dropout": {"kind": "uniform", "low": 0.0, "high": 0.5}},
    "student": {"distill_student.weights.logits": {"kind": "uniform", "low": 0.0, "high": 4.0}},
    "without_distillation": {},
    "neighbours": {"neighbours.graph.closeness": {"kind": "uniform", "low": 0.0, "high": 1.5}},
}


def small_params() -> str:
    """The project's params.yaml, comments and all, with the settings of the small project."""
    changes = {name.replace("__", "."): value for name, value in CHANGES.items()}
    for section in ("embed_items", "train_teacher", "distill_student"):
        changes |= {f"{section}.training.{name}": value for name, value in TRAINING.items()}
    return revise((ROOT / "params.yaml").read_text(), changes)


def small_space(**changes: Any) -> Space:
    """A space of few settings; `changes` are those of the file's other keys."""
    space: dict[str, Any] = read_space(SPACE).model_dump(by_alias=True)
    for part, settings in RANGES.items():
        space["parts"][part] |= {"settings": settings, "only_where": {}}
    return Space.model_validate(space | changes)


def space_file(space: Space) -> Path:
    """The space as a file, for the command line."""
    path = Path("space.yaml")
    with path.open("w") as stream:
        YAML(typ="safe").dump(space.model_dump(by_alias=True), stream)
    return path


def params_of(**changes: Any) -> Sections:
    """The small project's params.yaml with changes by name."""
    return changed(read_yaml(Path("params.yaml")), changes)


def task_of(trials: int | None = None, changes: Sections | None = None) -> Task:
    """The search of item vectors, by number of trials; `changes` are those of params.yaml."""
    spelled = small_space().model_dump(by_alias=True)
    limits = Limits(None, None, trials)
    return Task("item_vectors", params_of(**(changes or {})), spelled, LOGS, {}, limits)
