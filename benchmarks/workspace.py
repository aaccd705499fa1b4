"""A folder with params.yaml where some stages run, with links to what other folders hold.

The stages are dvc.yaml's own commands. A stage that has run with the same parameters and inputs is
not run again, and a killed training goes on from its checkpoint; a change of code is not noticed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.arguments import PROJECT
from slmrec.core.files import new_file

PARAMS = PROJECT / "params.yaml"


class Workspace:
    """A params.yaml with `changes`, links to the logs and to artifacts made elsewhere.

    `changes` maps dotted keys of `params_file`, the project's if none is named, to values. Raises
    KeyError on a key it does not have.
    """

    def __init__(
        self,
        root: Path,
        data_dir: Path,
        changes: dict[str, Any],
        linked: Iterable[Path],
        cache_dir: Path,
        params_file: Path = PARAMS,
    ) -> None:
        self.root = root
        self.cache_dir = cache_dir
        self.params = changed_params(changes, params_file)
        (root / "artifacts" / ".stamps").mkdir(parents=True, exist_ok=True)
        with new_file(root / "params.yaml") as temporary, temporary.open("w") as stream:
            YAML().dump(self.params, stream)
        replace_link(root / "data", data_dir)
        for artifact in linked:
            replace_link(self.artifact(artifact.name), artifact)

    def artifact(self, name: str) -> Path:
        """Where this workspace keeps an artifact."""
        return self.root / "artifacts" / name

    def run_stage(self, name: str) -> bool:
        """Run a stage unless it has run with the same parameters and inputs; whether it ran."""
        stamp, fingerprint = self.artifact(f".stamps/{name}"), self._fingerprint(name)
        made = all((self.root / out).exists() for out in outputs(name))
        if made and stamp.is_file() and stamp.read_text() == fingerprint:
            return False
        print(f"{self.root.name}: {name}", flush=True)
        _exec, _python, *arguments = read_stages()[name]["cmd"].split()
        self.run_python(*arguments)
        stamp.write_text(fingerprint)
        return True

    def run_python(self, *arguments: str) -> None:
        """Run this environment's python here, with the workspace's cache. Raises when it fails."""
        environment = {"PYTHONPATH": str(PROJECT), "SLMREC_CACHE": str(self.cache_dir)}
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=self.root, env=os.environ | environment, check=True)

    def _fingerprint(self, name: str) -> str:
        """Hash of a stage's parameters and of the fingerprints of the stages it reads from."""
        stages = read_stages()
        sections = [self.params[section] for section in stages[name]["params"]]
        digest = hashlib.sha256(json.dumps(sections, sort_keys=True).encode())
        for dep in stages[name]["deps"]:
            for producer in (stage for stage in stages if dep in outs(stage)):
                stamp = (self.root / dep).resolve().parent / ".stamps" / producer
                digest.update(stamp.read_bytes() if stamp.is_file() else b"nothing")
        return digest.hexdigest()


@functools.cache
def read_stages() -> dict[str, Any]:
    """The stages of dvc.yaml by name."""
    stages: dict[str, Any] = YAML(typ="safe").load(PROJECT / "dvc.yaml")["stages"]
    return stages


def outs(stage: str) -> list[str]:
    """What a stage leaves for other stages."""
    return [_path(out) for out in read_stages()[stage].get("outs", [])]


def outputs(stage: str) -> list[str]:
    """All that a stage writes, metrics included."""
    return [*outs(stage), *(_path(out) for out in read_stages()[stage].get("metrics", []))]


def _path(out: str | dict[str, Any]) -> str:
    """An output of dvc.yaml is a path, or a path with options."""
    return out if isinstance(out, str) else next(iter(out))


def changed_params(changes: dict[str, Any], params_file: Path = PARAMS) -> dict[str, Any]:
    """The params of a file with `changes` by dotted key. Raises KeyError on an unknown key."""
    params: dict[str, Any] = YAML(typ="safe").load(params_file)
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section[name]
        if last not in section:
            raise KeyError(f"params.yaml has no {key}")
        section[last] = value
    return params


def replace_link(link: Path, target: Path) -> None:
    """Let `link` point at `target`, whatever it pointed at; safe while another process does so."""
    own = link.with_name(f".{link.name}-{os.getpid()}")
    own.symlink_to(target.resolve())
    own.replace(link)
