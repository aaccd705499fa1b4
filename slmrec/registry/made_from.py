"""What a version was made from: commit, data, parameters, versions of packages."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from slmrec import __version__
from slmrec.core.files import read_json
from slmrec.params.section import read_yaml

VALIDATION = Path("artifacts/validation/result.json")
PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu", "torch", "transformers", "polars", "onnx")


def made_from(project: Path, histories_dir: Path) -> dict[str, Any]:
    """Git commit, data version, window and drift, parameters and package versions.

    What is not known is None: of drift, where there is no version before this one.
    """
    return {
        "git": _git_state(project),
        "data": _data_version(project),
        "window": read_json(histories_dir / "summary.json"),
        "drift": _drift(project),
        "params": read_yaml(project / "params.yaml"),
        "versions": {"slmrec": __version__, "python": platform.python_version()} | _versions(),
    }


def _git_state(project: Path) -> dict[str, Any] | None:
    """The commit, and whether files that git follows differ from it."""
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "changed_files": len((changed or "").splitlines())}


def _git(project: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _data_version(project: Path) -> dict[str, Any] | None:
    """What data.dvc pins: hash, bytes and files."""
    pin = project / "data.dvc"
    if not pin.is_file():
        return None
    (out,) = read_yaml(pin)["outs"]
    return {key: out[key] for key in ("md5", "size", "nfiles") if key in out}


def _drift(project: Path) -> list[dict[str, Any]] | None:
    """The measures of drift against the version before, each with what was allowed."""
    found = project / VALIDATION
    measures: list[dict[str, Any]] | None = read_json(found)["drift"] if found.is_file() else None
    return measures


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
