"""A small project with all that a reader has in a checkout: Makefile, .venv, benchmarks."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.support.project import ROOT, git


def furnish(project: Path) -> Path:
    """Give a small project what its commands need besides code and logs; .venv is this one."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "prefect.yaml"):
        shutil.copy(ROOT / name, project)
    ignored = shutil.ignore_patterns("__pycache__", "results")
    shutil.copytree(ROOT / "benchmarks", project / "benchmarks", ignore=ignored)
    (project / "benchmarks" / "results").mkdir()
    venv = project / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        (venv / part.name).symlink_to(part)
    (venv / ".installed").unlink(missing_ok=True)
    (venv / ".installed").touch()  # newer than the files that it was made from: nothing to install
    git(project, "add", ".")
    git(project, "commit", "--message", "all")
    return project
