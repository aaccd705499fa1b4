"""`make repro` ends with what started it, leaves nothing behind and says one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows.repro import reproduce
from tests.support.project import environment
from tests.support.small_flow import add_stage
from tests.support.waiting import has_ended, wait_until

SLOW = (
    "os.makedirs('artifacts/.slow.1.tmp'); open('pid.part', 'w').write(str(os.getpid())); "
    "os.rename('pid.part', 'pid.txt'); time.sleep(600)"
)
LAUNCHER = [sys.executable, "-m", "flows.repro"]


def test_the_exit_code_is_that_of_dvc(small: Path) -> None:
    assert reproduce() == 0
    assert (small / "second.txt").exists()
    (small / "evaluation.json").unlink()
    assert reproduce() == 255


@pytest.fixture
def slow(small: Path) -> Path:
    """A project with one stage that does not end by itself."""
    (small / "dvc.yaml").write_text("stages:")
    add_stage(small, "slow", SLOW)
    return small


def started_stage(project: Path) -> psutil.Process:
    pid_file = project / "pid.txt"
    wait_until(pid_file.exists)
    return psutil.Process(int(pid_file.read_text()))


@pytest.mark.acceptance
def test_ctrl_c_is_one_line_and_ends_every_process(slow: Path) -> None:
    with subprocess.Popen(
        LAUNCHER,
        cwd=slow,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as repro:
        stage = started_stage(slow)
        os.killpg(repro.pid, signal.SIGINT)  # as a terminal does
        assert repro.stderr is not None
        printed = repro.stderr.read().splitlines()
    assert printed == ["repro: stopped by Ctrl-C; make repro goes on from here"]
    assert repro.returncode == 130
    assert has_ended(stage)
    assert list((slow / "artifacts").iterdir()) == []  # nor what the stage was writing


@pytest.mark.acceptance
def test_no_stage_outlives_a_killed_make(slow: Path) -> None:
    make = f"import subprocess; subprocess.run({LAUNCHER!r})"
    with subprocess.Popen([sys.executable, "-c", make], cwd=slow, env=environment()) as parent:
        stage = started_stage(slow)
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert stage in family
    wait_until(lambda: all(has_ended(process) for process in family))
