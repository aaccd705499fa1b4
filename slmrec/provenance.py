"""Whose figures metrics/*.json hold: the logs that the last run read, against those in data/."""

from __future__ import annotations

from pathlib import Path

from slmrec.core.errors import DataError, UsageError
from slmrec.params.section import read_yaml


def logs_of_results(project_dir: Path) -> str:
    """One line that names the logs behind the figures.

    Raises DataError where data/ holds other logs than the last run read: a clone brings the demo's
    figures along, and they say nothing about anybody else's logs.
    """
    read, present = _logs_read(project_dir / "dvc.lock"), _logs_present(project_dir)
    if present is not None and read != present:
        raise DataError(
            f"the figures in metrics/ are of the logs {read}, but data/ holds {present}; "
            "run make repro (or dvc repro), which measures these"
        )
    return f"Figures of the logs {read} (dvc.lock)."


def _logs_read(lock_path: Path) -> str:
    """The checksum of the logs that the last `prepare` read."""
    if not lock_path.is_file():
        raise UsageError(f"{lock_path} is missing, so nothing was measured; run make repro")
    dependencies = read_yaml(lock_path).get("stages", {}).get("prepare", {}).get("deps", [])
    for dependency in dependencies:
        if dependency.get("path") == "data":
            return str(dependency["md5"])
    raise UsageError(f"{lock_path} names no logs, so nothing was measured; run make repro")


def _logs_present(project_dir: Path) -> str | None:
    """The checksum of data/ as DVC computes it; None where there is none."""
    from dvc.repo import Repo

    if not (project_dir / "data").is_dir() or not (project_dir / "data.dvc").is_file():
        return None
    with Repo(str(project_dir)) as repo:
        return str(repo.stage.load_one(str(project_dir / "data.dvc")).outs[0].get_hash().value)
