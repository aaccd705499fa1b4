"""`make flow` has a server of its own, which lives until the flow has said its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.flows.test_repro import SLOW, started_stage
from tests.support.project import environment
from tests.support.small_flow import add_stage
from tests.support.waiting import has_ended

SECONDS = 30  # a busy machine is slow; without a living server it would be minutes


@pytest.mark.acceptance
def test_ctrl_c_ends_flow_server_and_stage_at_once_with_one_line(small: Path) -> None:
    (small / "dvc.yaml").write_text("stages:")
    add_stage(small, "slow", SLOW)
    with subprocess.Popen(
        [sys.executable, "-m", "flows.once"],
        cwd=small,
        env={**environment(), "PREFECT_HOME": str(small / ".cache" / "prefect")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as flow:
        stage = started_stage(small)
        family = psutil.Process(flow.pid).children(recursive=True)
        stopped_at = time.monotonic()
        os.killpg(flow.pid, signal.SIGINT)
        assert flow.stdout is not None
        printed = flow.stdout.read()
    assert time.monotonic() - stopped_at < SECONDS
    assert flow.returncode == 130
    assert "\nflow: stopped by Ctrl-C; make flow goes on from here\n" in printed
    assert "Traceback" not in printed
    assert "in state Crashed" in printed  # its server knows
    assert stage in family
    assert all(has_ended(process) for process in family)
