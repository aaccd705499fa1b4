"""A project whose pipeline takes milliseconds and whose bundle the gate can judge.

Its stages take one of three made-up results, by what the logs say: good, worse, or none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State

from flows.retrain import retrain_landed
from tests.support.project import git
from tests.support.registries import NOISE, small_project, write_params

PIPELINE = """
stages:
  export:
    cmd: python export.py
    deps: [data, variants, artifacts/events]
    params: [split]
    outs: [artifacts/histories, artifacts/student, artifacts/teacher, artifacts/bundle]
    metrics:
      - metrics/evaluation.json: {cache: false}
  prepare:
    cmd: python prepare.py
    deps: [data]
    outs: [artifacts/events, artifacts/validation]
"""
# The index lists what an earlier one listed, and then what is new: the names of the logs.
PREPARE = """
from pathlib import Path
earlier = Path("data/index/items.parquet")
known = earlier.read_text().split() if earlier.exists() else []
names = sorted(file.name for file in Path("data").glob("*.inter"))
known += [name for name in names if name not in known]
made = {"events/items.parquet": " ".join(known), "validation/profile.json": "{}"}
for name, text in made.items():
    target = Path("artifacts", name)
    target.parent.mkdir(parents=True)
    target.write_text(text)
"""
EXPORT = """
import shutil, sys
from pathlib import Path
text = "".join(file.read_text() for file in Path("data").glob("*.inter"))
if "broken" in text:
    sys.exit(4)
variant = Path("variants", "worse" if "poison" in text else "good")
shutil.copytree(variant / "artifacts", "artifacts", dirs_exist_ok=True)
shutil.copytree(variant / "metrics", "metrics", dirs_exist_ok=True)
"""


def write_landing_flow(project: Path) -> Path:
    """Replace the project's pipeline by the one above and commit all; returns a landing folder."""
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "prepare.py").write_text(PREPARE)
    (project / "export.py").write_text(EXPORT)
    small_project(project / "variants" / "good")
    small_project(project / "variants" / "worse", noise=NOISE, seed=1)
    write_params(project)
    git(project, "add", "--force", "variants")
    git(project, "add", ".")
    git(project, "commit", "--message", "all")
    landing = project.with_name("landing")
    landing.mkdir()
    return landing


def land(landing: Path, name: str, text: str, modified: float = 1_700_000_000) -> Path:
    """Let a file of logs arrive in the demo's format, last changed at a time (seconds, UTC)."""
    file = landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"user_id:token\titem_id:token\trating:float\ttimestamp:float\n{text}\n")
    os.utime(file, (modified, modified))
    return file


def retrain(landing: Path, **parameters: Any) -> State[Any]:
    """Run the flow in this process."""
    return retrain_landed(str(landing), settle_seconds=0, return_state=True, **parameters)
