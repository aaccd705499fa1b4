"""git, as a command: its answer, or an error of one line.

Not called git.py: Prefect puts this folder on the path, and DVC imports a package of that name.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from slmrec.core.errors import UnavailableError

AUTHOR = {"user.name": "slmrec retrain", "user.email": "retrain@localhost"}  # where none is set


def git(folder: Path, *words: str, given: str | None = None) -> str:
    """What `git words` prints in `folder`, with `given` as its input. Raises UnavailableError."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UnavailableError("git is not installed; retraining commits what it makes") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"git {words[0]} failed in {folder}: {last}")
    return done.stdout.strip()


def object_at(folder: Path, name: str) -> str | None:
    """The id of a commit, tag or file of a commit (`COMMIT:PATH`); None where there is none."""
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def is_ancestor(folder: Path, older: str, newer: str) -> bool:
    """Whether `newer` holds all of `older`."""
    command = ["git", "-C", str(folder), "merge-base", "--is-ancestor", older, newer]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def ensure_author(folder: Path) -> None:
    """Give the repository an author of its own where the machine has none."""
    for key, value in AUTHOR.items():
        found = subprocess.run(
            ["git", "-C", str(folder), "config", key], capture_output=True, check=False
        )
        if found.returncode:
            git(folder, "config", key, value)
