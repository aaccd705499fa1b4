"""A small copy of the project in a folder of its own, with small logs, for tests of the whole."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "slmrec",
    "flows",
    "params.yaml",
    "studies.yaml",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
)


def make_project(folder: Path) -> Path:
    """Copy code, pipeline and parameters to `folder`, a git repository with small logs.

    data.dvc pins the logs.
    """
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    git(folder, "init")
    write_logs(folder / "data")
    run(folder, "dvc", "add", "--quiet", "data")
    return folder


def write_logs(data_dir: Path, users: int = 60, items: int = 80, length: int = 30) -> None:
    """Logs in the demo's format, with something to learn in them.

    Each user walks the items in steps of one to three.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(users):
        item, time = draw.randrange(items), 880_000_000 + draw.randrange(20_000_000)
        for _event in range(length):
            item, time = (item + draw.randint(1, 3)) % items, time + draw.randint(60, 90_000)
            lines.append(f"u{user}\ti{item}\t{draw.randint(1, 5)}\t{time}")
    (data_dir / "small.inter").write_text("\n".join(lines) + "\n")
    titles = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    titles += [f"i{item}\tFilm {item}\t{1950 + item % 50}\tDrama" for item in range(items)]
    (data_dir / "small.item").write_text("\n".join(titles) + "\n")


def environment() -> dict[str, str]:
    """This environment's python first, as `make` has it, and no setting from outside.

    Settings are those of Prefect, DVC and OpenMP: the stages themselves see to OpenMP's.
    """
    settings = ("PREFECT_", "DVC_", "OMP_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(settings)}
    python_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**inherited, "PATH": python_first}


def run(
    folder: Path, module: str, *words: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module words` in `folder`; with `check` a failure shows what was printed."""
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, (
        f"{module} {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    )
    return done


def git(folder: Path, *words: str) -> None:
    """Run git in `folder`, as an author that needs no configuration."""
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


def change(file: Path, key: str, value: Any) -> Any:
    """Set the dotted `key` of a YAML file, keeping all else as it stands; returns the old value."""
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 10_000, True
    document = yaml.load(file)
    *sections, last = key.split(".")
    section = document
    for name in sections:
        section = section[name]
    assert last in section, f"{file.name} has no {key}"
    old, section[last] = section[last], value
    yaml.dump(document, file)
    return old
