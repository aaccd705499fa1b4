"""Cuts of a model that is trained again, once the gate has passed its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file

PARAMS = "params.yaml"
# A share of the newest events, days back from the newest one, or an ISO 8601 time.
Cut = Annotated[str, Field(pattern=r"^(\d+(\.\d+)?[%d]|\d{4}-\d\d-\d\d\S*)$")]


class Cuts(BaseModel):
    """Where validation and test begin: `valid_from` and `test_from`, as params.yaml's split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_from: Cut
    test_from: Cut


def check_split(project: Path) -> None:
    """Raise UsageError where the project's split is not by time.

    Where each user's last events are left out, nothing newer can be learnt.
    """
    method = YAML(typ="safe").load(project / PARAMS)["split"]["method"]
    if method != "temporal":
        raise UsageError(
            f"refit needs split.method temporal, {PARAMS} has {method}; run without refit"
        )


def move_cuts(project: Path, cuts: Cuts) -> None:
    """Write the cuts into the project's params.yaml; all else in it stays."""
    path, yaml = project / PARAMS, YAML()
    params = yaml.load(path)
    params["split"].update(cuts.model_dump())
    with new_file(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
