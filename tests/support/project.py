"""A small copy of the project in a folder of its own, with small logs: what the tests of the whole run on."""

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
    """Copy code, pipeline and parameters to `folder`, as a git repository with small logs that data.dvc pins."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    write_logs(folder / "data")
    run(folder, "dvc", "add", "--quiet", "data")
    return folder


def write_logs(data: Path, users: int = 60, items: int = 80, length: int = 30) -> None:
    """Logs in the demo's format: each user walks the items in steps of one to three, so there is something to learn."""
    data.mkdir(parents=True, exist_ok=True)
    chance = random.Random(7)
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(users):
        item, time = chance.randrange(items), 880_000_000 + chance.randrange(20_000_000)
        for _event in range(length):
            item, time = (item + chance.randint(1, 3)) % items, time + chance.randint(60, 90_000)
            lines.append(f"u{user}\ti{item}\t{chance.randint(1, 5)}\t{time}")
    (data / "small.inter").write_text("\n".join(lines) + "\n")
    titles = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    titles += [f"i{item}\tFilm {item}\t{1950 + item % 50}\tDrama" for item in range(items)]
    (data / "small.item").write_text("\n".join(titles) + "\n")


def environment() -> dict[str, str]:
    """This environment's python first, as `make` has it, and no setting of Prefect or DVC from outside."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "DVC_"))
    }
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


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


def change(file: Path, key: str, value: Any) -> Any:
    """Set the dotted `key` of a YAML file, keeping all else as it stands; returns the old value."""
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 10_000, True
    whole = yaml.load(file)
    *sections, last = key.split(".")
    place = whole
    for section in sections:
        place = place[section]
    assert last in place, f"{file.name} has no {key}"
    old, place[last] = place[last], value
    yaml.dump(whole, file)
    return old
