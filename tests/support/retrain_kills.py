"""A retraining is killed at seeded points; the next run must end as an undisturbed one does.

python -m tests.support.retrain_kills FOLDER [--kills 20] [--seed 1] [--out FILE]

A real server, git, DVC, gate and registry; only the training is made up, so that a run takes
seconds. Points are drawn from the seconds of an undisturbed run, and met as a line that it prints
and the time since then, so that a busy machine moves no point far. Every second kill is of the
flow's process alone, the others of all at once.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from flows.git_commands import git, object_at
from flows.server_process import HOST, free_port, temporary_server
from slmrec.core.files import read_json, sha256_of, sha256_of_folder, write_json
from slmrec.registry.store import Registry
from slmrec.studies.environment import machine
from tests.support import project as support
from tests.support.champion_reader import reading
from tests.support.landing_flow import EXPORT, land, write_landing_flow
from tests.support.waiting import has_ended, wait_until

MARK = "SLMREC_KILL_TEST"  # in the environment of a run's processes, wherever they go
# Of a bundle: the verdict holds latency as it was measured, and the manifest the verdict's hash.
TIMED = ("gate.json", "MANIFEST.sha256")
WORSE_FIRST = ('"worse" if "poison" in text else "good"', '"good" if "better" in text else "worse"')


@dataclass(frozen=True)
class Kill:
    """A kill and what came of it; `faults` is empty where all is as it should be."""

    after: str  # the line
    alone: bool
    was_at_work: bool
    reads: int
    faults: list[str]


class Scene:
    """A project with one published version, and a landing folder with a better day to come."""

    def __init__(self, folder: Path) -> None:
        self.template, self.work = folder / "template", folder / "work"
        self.project, self.landing = self.work / "project", self.work / "landing"
        self.registry = Registry(self.project / ".state" / "registry")
        support.make_project(self.project)
        write_landing_flow(self.project)
        (self.project / "export.py").write_text(EXPORT.replace(*WORSE_FIRST))
        support.git(self.project, "commit", "--all", "--message", "worse first")
        git(self.work, "init", "--quiet", "--bare", "remote.git")
        git(self.project, "remote", "add", "origin", "../remote.git")
        support.run(self.project, "dvc", "remote", "add", "--default", "--local", "store", "../s")
        land(self.landing, "day1.inter", "u1\ti1\t3\t900000000")
        self.run()
        land(self.landing, "day2.inter", "better\ti1\t3\t900000001")
        shutil.copytree(self.work, self.template, symlinks=True)

    def reset(self) -> None:
        """Everything as it was before the second day was taken, at the same paths."""
        shutil.rmtree(self.work)
        shutil.copytree(self.template, self.work, symlinks=True)

    def start(self) -> subprocess.Popen[str]:
        """The flow, as the head of a group of its own."""
        words = ["flows.retrain_once", str(self.landing), "--settle-seconds", "0"]
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.project,
            env=support.environment()
            | {MARK: str(self.work)}
            | {key: value for key, value in os.environ.items() if key.startswith("PREFECT_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self) -> list[float]:
        """The flow to its end. Seconds from its start to each line that it printed.

        Raises AssertionError with its last lines where it fails.
        """
        began, times, last = time.monotonic(), [0.0], [""]
        with self.start() as process:
            assert process.stdout is not None
            for line in process.stdout:
                times.append(time.monotonic() - began)
                last = [*last[-7:], line]
        assert process.returncode == 0, f"it ended with {process.returncode}:\n{''.join(last)}"
        return times

    def processes(self) -> list[psutil.Process]:
        """Every living process of a run."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == str(self.work) and not has_ended(process):
                    found.append(process)
        return found

    def users(self) -> tuple[str, str]:
        """What a retraining only reads: landing folder, and the user's tree."""
        tree = git(self.project, "status", "--porcelain") + git(self.project, "show-ref")
        return sha256_of_folder(self.landing, "*"), tree

    def end(self) -> dict[str, Any]:
        """What a run leaves, but for what a clock tells."""
        clone, champion = (
            self.project / ".state" / "retrain" / "repository",
            self.registry.current(),
        )
        assert champion is not None
        bundle = self.registry.bundle_dir(champion)
        branch = {name: object_at(clone, f"retrain:{name}") for name in ("data.dvc", "dvc.lock")}
        return {
            "bundle": {
                file.name: sha256_of(file) for file in bundle.iterdir() if file.name not in TIMED
            },
            "metrics": object_at(clone, "retrain:metrics"),
            "commits": git(clone, "rev-list", "--count", "retrain"),
            "tags": git(clone, "tag", "--list"),
            "pushed": object_at(self.work / "remote.git", "retrain") == object_at(clone, "retrain"),
            "taken": read_json(clone.with_name("taken.json")),
            "registry": sorted(entry.name for entry in self.registry.folder.iterdir()),
            "state": sorted(entry.name for entry in clone.parent.iterdir()),
            "champion": str(champion),
            **branch,
        }


def kill_once(
    scene: Scene, after: int, delay: float, alone: bool, expected: dict[str, Any]
) -> Kill:
    """Kill a run `delay` seconds after that many lines, and let the next one run."""
    scene.reset()
    before, old = scene.users(), str(scene.registry.current())
    with reading(scene.registry) as seen:
        process = scene.start()
        assert process.stdout is not None
        line = ""
        for _ in range(after):
            line = process.stdout.readline() or line
        time.sleep(delay)
        was_at_work = process.poll() is None
        _kill(scene, process, alone)
        wait_until(lambda: not scene.processes())
        faults = [] if scene.users() == before else ["the user's files changed"]
        try:
            scene.run()
        except AssertionError as error:
            faults.append(f"the next run: {error}")
    faults += seen.torn[:1]
    faults += [f"a reader saw {other}" for other in seen.versions - {old, expected["champion"]}]
    faults += [] if scene.users() == before else ["the user's files changed in the next run"]
    found = scene.end()
    faults += [
        f"{key} is {found[key]}, expected {value}"
        for key, value in expected.items()
        if found[key] != value
    ]
    return Kill(line.strip(), alone, was_at_work, seen.whole, faults)


def _kill(scene: Scene, process: subprocess.Popen[str], alone: bool) -> None:
    others = [] if alone else scene.processes()
    process.send_signal(signal.SIGKILL)
    for other in others:
        with suppress(psutil.NoSuchProcess):
            other.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def kill_at_random(folder: Path, kills: int, seed: int) -> Iterator[Kill]:
    """Kills spread over the whole of a run; `folder` is empty."""
    with temporary_server(port := free_port()):
        os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
        try:
            scene = Scene(folder)
            times = scene.run()
            expected, draw = scene.end(), random.Random(seed)
            points = [(part + draw.random()) / kills * times[-1] for part in range(kills)]
            draw.shuffle(points)
            for number, point in enumerate(points):
                after = bisect_right(times, point) - 1
                delay = point - times[after]
                yield kill_once(scene, after, delay, bool(number % 2), expected)
        finally:
            del os.environ["PREFECT_API_URL"]


def main() -> int:
    """Print each kill; 1 where any left a fault."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON of all kills, versions and machine")
    given, kills = parser.parse_args(), []
    for number, kill in enumerate(kill_at_random(given.folder, given.kills, given.seed), 1):
        kills.append(kill)
        print(number, kill, flush=True)
    good = sum(kill.was_at_work and not kill.faults for kill in kills)
    print(f"{good} of {given.kills} kills met a run at work and left no fault")
    if given.out:
        # Where the folder lies is nobody's business.
        below = f"{given.folder / 'work'}/"
        told = [asdict(kill) | {"after": kill.after.replace(below, "")} for kill in kills]
        facts = {"good": good, "seed": given.seed, "kills": told}
        write_json(given.out, facts | {"measured_with": machine(2, "prefect", "dvc")})
    return int(good < given.kills)


if __name__ == "__main__":
    sys.exit(main())
