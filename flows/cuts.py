"""Cuts of a model that is trained again, once the gate has passed its settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file

PARAMS = "params.yaml"


class Cuts(BaseModel):
    """Where validation and test begin: `valid_from` and `test_from`, as params.yaml's split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_from: str
    test_from: str


def move_cuts(project: Path, cuts: Cuts) -> None:
    """Write the cuts into the project's params.yaml; all else in it stays.

    Raises UsageError where the split is not by time: then each user's last events are left out,
    and nothing newer can be learnt.
    """
    path, yaml = project / PARAMS, YAML()
    params = yaml.load(path)
    if params["split"]["method"] != "temporal":
        raise UsageError(
            f"refit needs split.method temporal, {PARAMS} has {params['split']['method']}; "
            "run without refit"
        )
    params["split"].update(cuts.model_dump())
    with new_file(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
