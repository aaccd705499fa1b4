"""One part's search as any process takes it up: what is fixed, what is searched, and until when."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrec.core.cache import cache_folder
from slmrec.core.fingerprint import key_of
from slmrec.tuning.settings import Sections, changed, value_of
from slmrec.tuning.space import SECTIONS, PartSpace, Space

NEEDED = {  # sections of params.yaml that a part's figures hang on, with those of earlier parts
    "item_vectors": ("compute", "embed_items"),
    "teacher": ("compute", "embed_items", "train_teacher"),
    "student": ("compute", "embed_items", "train_teacher", "record_states", "distill_student"),
    "without_distillation": (
        "compute", "embed_items", "train_teacher", "record_states", "distill_student"
    ),
    "neighbours": (
        "compute", "embed_items", "train_teacher", "record_states", "distill_student",
        "neighbours", "evaluate",
    ),
}  # fmt: skip


def tune_folder() -> Path:
    """Where trials and what they leave lie."""
    return cache_folder() / "tune"


@dataclass(frozen=True)
class Logs:
    """The derived tables that models are trained on."""

    items: Path  # artifacts/events/items.parquet
    histories: Path  # the folder


@dataclass(frozen=True)
class Limits:
    """When a search ends: by the clock (time.time()), or by the number of trials; or by none."""

    part_ends: float | None
    ends: float | None
    trials: int | None  # of the part, that ended or are under way


@dataclass(frozen=True)
class Task:
    """`params` is params.yaml with the best settings of earlier parts; `inputs` is what they left.

    Inputs are folders by their name: item_vectors, ensemble, teacher, teacher_states.
    """

    part: str
    params: Sections
    space: dict[str, Any]
    logs: Logs
    inputs: dict[str, Path]
    limits: Limits

    @property
    def section(self) -> str:
        """The section of params.yaml that the part trains with."""
        return SECTIONS[self.part]

    @property
    def epochs(self) -> int:
        """The most that a trial trains; 1 where nothing is trained."""
        if "training" not in self.params[self.section]:
            return 1
        return int(value_of(self.params, f"{self.section}.training.epochs"))

    def read_space(self) -> Space:
        return Space.model_validate(self.space)

    def part_space(self) -> PartSpace:
        return self.read_space().parts.of(self.part)

    def shortened(self, epochs: int) -> Task:
        """The same search with fewer epochs a trial."""
        settings = {f"{self.section}.training.epochs": epochs}
        return replace(self, params=changed(self.params, settings))

    @cached_property
    def key(self) -> str:
        """Hash of all that trials of this search have in common: logs, space, settings, code."""
        space = self.part_space()
        sections = {name: self.params[name] for name in NEEDED[self.part]}
        # The values that are searched do not count: the best of them are written to params.yaml.
        searched = {name: None for name in space.settings if _is_there(self.params, name)}
        fixed = changed(sections, searched)
        bounds = space.model_dump(exclude={"share"})
        return key_of([self.logs.items, self.logs.histories], self.part, bounds, fixed)

    @property
    def folder(self) -> Path:
        """What this search keeps: checkpoints, the best model, what training printed."""
        return tune_folder() / f"{self.part}-{self.key}"

    def dumps(self) -> str:
        """The task as JSON."""
        return json.dumps(asdict(self), default=str)

    @staticmethod
    def loads(text: str) -> Task:
        fields = json.loads(text)
        return Task(
            fields["part"],
            fields["params"],
            fields["space"],
            Logs(**{name: Path(path) for name, path in fields["logs"].items()}),
            {name: Path(path) for name, path in fields["inputs"].items()},
            Limits(**fields["limits"]),
        )


def _is_there(params: Sections, name: str) -> bool:
    section, *keys, last = name.split(".")
    value = params[section]
    for key in keys:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return isinstance(value, dict) and last in value
