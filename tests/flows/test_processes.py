"""A process ends with all that it started, whatever ends the block that runs it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from flows.processes import process_group
from tests.support.project import ROOT
from tests.support.waiting import has_ended, wait_until

# One child in its parent's group, and one with a group of its own.
SLEEPERS = """
import os, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(sleep)
apart = subprocess.Popen(sleep, start_new_session=True)
with open("pids.part", "w") as stream:
    print(child.pid, apart.pid, file=stream)
os.rename("pids.part", "pids.txt")
time.sleep(600)
"""


@pytest.fixture
def sleepers(tmp_path: Path) -> Path:
    """A folder with the module `sleepers`, and the package that starts it."""
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    for package in ("flows", "slmrec"):
        (tmp_path / package).symlink_to(ROOT / package)
    return tmp_path


def children(folder: Path) -> list[psutil.Process]:
    wait_until((folder / "pids.txt").exists)
    return [psutil.Process(int(word)) for word in (folder / "pids.txt").read_text().split()]


def test_whatever_ends_a_run_takes_every_process_of_it_along(sleepers: Path) -> None:
    processes = []
    with (
        suppress(KeyboardInterrupt),
        process_group("sleepers", [], sleepers, subprocess.DEVNULL) as head,
    ):
        processes += [psutil.Process(head.pid), *children(sleepers)]
        raise KeyboardInterrupt
    assert len(processes) == 3
    wait_until(lambda: all(has_ended(process) for process in processes))


def test_a_process_that_does_not_listen_to_sigterm_is_killed(
    sleepers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.processes.SECONDS_TO_END", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPERS
    (sleepers / "sleepers.py").write_text(deaf)
    with process_group("sleepers", [], sleepers, subprocess.DEVNULL) as head:
        children(sleepers)
        process = psutil.Process(head.pid)
    assert has_ended(process)


def test_the_output_of_a_module_is_read_line_by_line_with_its_errors(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("import sys; print(sys.argv[1]); 1 / 0\n")
    for package in ("flows", "slmrec"):
        (tmp_path / package).symlink_to(ROOT / package)
    with process_group("hello", ["world"], tmp_path, subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [line.rstrip() for line in process.stdout]
        assert process.wait() == 1
    assert lines[0] == "world"
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_run_of_a_worker_ends_when_the_worker_is_killed(sleepers: Path) -> None:
    (sleepers / "work.py").write_text(
        "import os, time\nfrom flows.processes import end_with_worker\n"
        "os.environ['PREFECT__FLOW_RUN_ID'] = 'run'\nend_with_worker()\n"
        "print(os.getpid(), flush=True)\ntime.sleep(600)\n"
    )
    worker = f"import subprocess; subprocess.run([{sys.executable!r}, '-m', 'work'])"
    with subprocess.Popen(
        [sys.executable, "-c", worker], cwd=sleepers, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        run = psutil.Process(int(process.stdout.readline()))
        process.kill()
    wait_until(lambda: has_ended(run))
