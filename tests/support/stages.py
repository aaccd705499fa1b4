"""The stages of dvc.yaml, for tests that ask what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

from tests.support.project import ROOT

STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def names(outputs: Iterable[str | dict[str, Any]]) -> list[str]:
    """The paths of outputs, some of which have options."""
    return [output if isinstance(output, str) else next(iter(output)) for output in outputs]
