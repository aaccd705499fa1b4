"""The child becomes the command it was given, which then ends with its parent."""

from __future__ import annotations

import subprocess
import sys

import psutil

from tests.support.project import ROOT
from tests.support.waiting import has_ended, wait_until

PARENT = """
import subprocess, sys, time
command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
child = subprocess.Popen([sys.executable, "-m", "flows.child", *command])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_the_command_runs_as_the_child_and_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        started, running = (int(parent.stdout.readline()) for _ in range(2))
        assert started == running
        command = psutil.Process(running)
        parent.kill()
    wait_until(lambda: has_ended(command))
