"""Servers are ended in the middle of a run; each next run must go on.

python -m tests.support.server_restarts FOLDER [--turns 5] [--out FILE]

What is served is real: Prefect's server and worker, DVC, git. Only the pipeline is made up, of one
stage that waits. Every second end is Ctrl-C, the others SIGKILL for all processes at once. Ctrl-C
in a terminal reaches the server's group; the next server has to start, find the run that was cut
off marked as crashed, and bring a new one to its end.
"""

from __future__ import annotations

import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from slmrec.core.files import write_json
from slmrec.studies.environment import machine
from tests.support.project import ROOT, make_project
from tests.support.served import Served
from tests.support.small_flow import add_stage, write_small_flow
from tests.support.waiting import has_ended, wait_until

ENDED = ("Completed", "Failed", "Crashed", "Cancelled")  # names of a run's last states
WAITS = """open('pid.txt', 'w').write(str(os.getpid()))
    while os.path.exists('wait'): time.sleep(0.1)
    open('waiting.txt', 'w').write('done')"""


@dataclass(frozen=True)
class Restart:
    """An end of a server in the middle of a run, and what came after it."""

    end: str
    cut_off: str  # the state of that run for the next server
    orphans: int  # of its stage, after the server's end
    next_run: str  # the state in which the next run ended
    seconds: float  # from the end to the end of the next run

    @property
    def is_good(self) -> bool:
        """Whether nothing of the end is left, and the next run went on."""
        return (self.cut_off, self.orphans, self.next_run) == ("Crashed", 0, "Completed")


def write_waiting_project(project: Path) -> None:
    """Make the pipeline one stage, which waits as long as the file `wait` is there."""
    shutil.copy(ROOT / "prefect.yaml", project)
    (project / "dvc.yaml").write_text("stages:")
    (project / "wait").touch()
    add_stage(project, "waiting", WAITS)
    shutil.copy(project / "evaluation.json", project / "metrics")


def wait_for_stage(project: Path) -> psutil.Process:
    """The process of the stage, once it is at work."""
    pid_file = project / "pid.txt"
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    stage = psutil.Process(int(pid_file.read_text()))
    pid_file.unlink()
    return stage


def restart(project: Path, by_interrupt: bool) -> Restart:
    """End a server in the middle of a run, and let the next server run once."""
    served = Served(project)
    cut_off = served.start_run()
    stage, began = wait_for_stage(project), time.monotonic()
    if by_interrupt:
        served.stop()
    else:
        served.kill_all()
    orphans = int(not has_ended(stage))
    (project / "wait").unlink()
    served = Served(project)
    state = served.state(cut_off)
    last = served.start_run()
    wait_until(lambda: served.state(last) in ENDED, every=0.5)
    seconds, next_run = time.monotonic() - began, served.state(last)
    served.stop()
    end = "Ctrl-C" if by_interrupt else "SIGKILL of everything"
    return Restart(end, state, orphans, next_run, round(seconds, 1))


def restarts(folder: Path, turns: int) -> Iterator[Restart]:
    """`turns` ends of each kind, each of a project of its own in `folder`."""
    for turn in range(2 * turns):
        project = make_project(folder / f"project-{turn}")
        write_small_flow(project)
        write_waiting_project(project)
        yield restart(project, bool(turn % 2))


def main() -> int:
    """Print each restart; 1 where any left a fault."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--turns", type=int, default=5, help="ends of each kind")
    parser.add_argument("--out", type=Path, help="a JSON of all restarts, versions and machine")
    given, rows = parser.parse_args(), []
    for number, row in enumerate(restarts(given.folder.absolute(), given.turns), 1):
        rows.append(row)
        print(number, row, flush=True)
    good = sum(row.is_good for row in rows)
    print(f"after {good} of {len(rows)} ends the next run went on, without an orphan")
    if given.out:
        facts = {"good": good, "ends": [asdict(row) for row in rows]}
        write_json(given.out, facts | {"measured_with": machine(2, "prefect", "dvc")})
    return int(good < len(rows))


if __name__ == "__main__":
    sys.exit(main())
