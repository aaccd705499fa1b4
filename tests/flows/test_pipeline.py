"""The pipeline as a Prefect flow: real subprocesses, a real server, and DVC doing the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from flows.dvc_stages import StageError, reproduce_stage, stage_order
from flows.processes import process_group
from flows.zombies import HEARTBEAT_SECONDS, NAME, WITHIN
from slmrec.core.errors import BusyError
from slmrec.core.locks import lock
from tests.support.project import ROOT, environment

# A pipeline of three stages that says in which order they ran; each test that needs another writes
# it.
PIPELINE = """
stages:
  report:
    cmd: python -c "import shutil; print('reporting'); shutil.copy('evaluation.json', 'metrics/evaluation.json')"
    deps: [second.txt, evaluation.json]
    metrics:
      - metrics/evaluation.json: {cache: false}
  second:
    cmd: python -c "open('second.txt', 'w').write(open('first.txt').read()); print('second line')"
    deps: [first.txt]
    outs: [second.txt]
  first:
    cmd: python -c "open('first.txt', 'w').write('1'); print('first line')"
    deps: [data]
    outs: [first.txt]
"""
METRICS = """{"protocol": {"split": "temporal", "test_targets": 9, "items": 80, "seed": 4}, "paired": {"student-teacher": [-0.01, 0.02]},
"models": {"teacher": {"full": {"ndcg@10": 0.5, "hr@10": 0.6, "mrr": 0.4, "coverage@10": 0.9},
"ci95": {"ndcg@10": [0.4, 0.6]}, "parameters": 1000}}}"""


@pytest.fixture
def small(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the pipeline above, entered."""
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "evaluation.json").write_text(METRICS)
    (project / "metrics").mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)
    return project


def add_stage(project: Path, name: str, program: str) -> None:
    """A stage behind the door that all stages have."""
    start = f"import os, sys, time\nfrom slmrec.core.stage import run_stage\nfrom slmrec.core.errors import DataError\ndef main():\n    {program}\n"
    (project / "slmrec" / "stages" / f"{name}.py").write_text(start + "run_stage(main)\n")
    with (project / "dvc.yaml").open("a") as stream:
        stream.write(
            f"  {name}:\n    cmd: exec python -m slmrec.stages.{name}\n    deps: [data]\n    outs: [{name}.txt]\n"
        )


def reproduce(stage: str, project: Path) -> list[str]:
    lines: list[str] = []
    reproduce_stage(stage, project, lines.append)
    return lines


def test_stages_come_in_the_order_of_their_dependencies_not_of_the_file(small):
    assert stage_order(small) == ["first", "second", "report"]


def test_a_stage_runs_once_and_its_lines_are_passed_on(small):
    lines = reproduce("first", small)
    assert "first line" in lines
    assert "first line" not in reproduce("first", small)


def test_only_the_named_stage_runs(small):
    reproduce("first", small)
    assert (small / "first.txt").exists()
    assert not (small / "second.txt").exists()


def test_the_exit_code_and_the_reason_are_the_stages_own_not_dvcs(small):
    add_stage(small, "broken", "raise DataError('7 bad rows; mend them')")
    with pytest.raises(StageError) as said:
        reproduce("broken", small)
    assert said.value.code == 3
    assert str(said.value) == "broken ended with 3: 7 bad rows; mend them"
    assert not said.value.worth_retrying


def test_a_stage_that_was_killed_is_worth_another_try(small):
    add_stage(small, "killed", "os.kill(os.getpid(), 9)")
    with pytest.raises(StageError) as said:
        reproduce("killed", small)
    assert said.value.worth_retrying


def test_a_stage_held_by_another_run_is_busy(small):
    add_stage(small, "held", "time.sleep(60)")
    with process_group(
        "dvc", ["repro", "--single-item", "held"], small, subprocess.DEVNULL
    ) as other:
        wait_until(lambda: "held" in rwlock(small))
        with pytest.raises(StageError) as said:
            reproduce("held", small)
        assert other.poll() is None
    assert said.value.code == BusyError.exit_code
    assert said.value.worth_retrying


def rwlock(project: Path) -> str:
    path = project / ".dvc/tmp/rwlock"
    return path.read_text() if path.exists() else ""


def wait_until(true, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


SLEEPERS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
lonely = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
with open("pids.part", "w") as stream:
    print(child.pid, lonely.pid, file=stream)
import os; os.rename("pids.part", "pids.txt")
time.sleep(600)
"""


def sleepers(project: Path) -> list[psutil.Process]:
    wait_until((project / "pids.txt").exists)
    return [psutil.Process(int(word)) for word in (project / "pids.txt").read_text().split()]


def gone(process: psutil.Process) -> bool:
    # Where nobody collects orphans a dead process stays listed as a zombie.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_whatever_ends_a_run_takes_every_process_of_it_along(small):
    (small / "sleepers.py").write_text(SLEEPERS)
    everyone = []
    with (
        suppress(KeyboardInterrupt),
        process_group("sleepers", [], small, subprocess.DEVNULL) as head,
    ):
        everyone += [psutil.Process(head.pid), *sleepers(small)]
        raise KeyboardInterrupt
    assert len(everyone) == 3
    wait_until(lambda: all(gone(process) for process in everyone))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["told-to-end", "killed"])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_no_stage_outlives_the_process_that_runs_it(small, number, shell, monkeypatch):
    monkeypatch.setenv(
        "SHELL", shell
    )  # by which DVC starts a stage; some stay between the two, some make way
    add_stage(small, "slow", "open('pids.txt', 'w').write(str(os.getpid())); time.sleep(600)")
    program = (
        "import sys, signal; from pathlib import Path; from flows.stages import reproduce_stage\n"
    )
    program += "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); reproduce_stage('slow', Path(), print)"
    runner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=small, env=environment(), stdout=subprocess.DEVNULL
    )
    wait_until(lambda: (small / "pids.txt").exists() and (small / "pids.txt").read_text() != "")
    stage = psutil.Process(int((small / "pids.txt").read_text()))
    everyone = [stage, *stage.parents()[:1]]
    runner.send_signal(number)
    runner.wait(30)
    wait_until(
        lambda: all(gone(process) for process in everyone if process.pid not in (1, os.getpid()))
    )


def test_a_heartbeat_may_be_missed_three_times_before_a_run_counts_as_crashed():
    assert WITHIN.total_seconds() > 3 * HEARTBEAT_SECONDS


@pytest.mark.usefixtures("prefect_server")
class TestOnAServer:
    """These share one server, started once."""

    def test_the_flow_runs_every_stage_shows_its_lines_and_publishes_the_metrics(self, small):
        from flows.pipeline import retrain

        state = retrain(return_state=True)
        assert state.is_completed(), state.message
        assert (small / "metrics/evaluation.json").exists()
        assert state.state_details.flow_run_id
        tasks, logs, artifacts = recorded(state.state_details.flow_run_id, "reporting")
        assert tasks == ["preflight", "first", "second", "report", "publish-metrics"]
        assert {"first line", "second line", "reporting"} <= set(logs)
        assert "0.5000" in str(artifacts["quality-and-cost"])
        assert "student-teacher" in str(artifacts["result"])

    def test_a_failed_preflight_stops_the_flow_before_any_stage(self, small):
        from flows.pipeline import retrain

        (small / "data/small.inter").write_text("")
        state = retrain(return_state=True)
        assert state.is_failed()
        error = state.result(raise_on_failure=False)
        assert isinstance(error, StageError)
        assert error.code == 3
        assert not (small / "first.txt").exists()

    def test_of_two_retrains_at_once_the_second_ends_with_a_clear_code(self, small):
        with lock("pipeline"):
            done = subprocess.run(
                [sys.executable, "-m", "flows.pipeline"],
                cwd=small,
                env={
                    **environment(),
                    "PREFECT_API_URL": api_url(),
                    "PREFECT_HOME": str(small / ".cache" / "prefect"),
                },
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == BusyError.exit_code, done.stderr
        assert "\nflow: pipeline is already running (process " in done.stderr
        assert not (small / "first.txt").exists()

    def test_the_zombie_automation_is_provisioned_once_however_often(self):
        from prefect.client.orchestration import get_client

        from flows.zombies import provision

        provision()
        provision()
        with get_client(sync_client=True) as client:
            found = client.read_automations_by_name(NAME)
        assert len(found) == 1
        assert found[0].enabled


def api_url() -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value())


def recorded(flow_run: UUID, last_line: str) -> tuple[list[str], list[str], dict[str | None, Any]]:
    """Names of the task runs by start, log lines, and artifacts by key, as the server has them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterId,
        LogFilter,
        LogFilterFlowRunId,
    )

    only = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        tasks = sorted(
            client.read_task_runs(flow_run_filter=only), key=lambda task: str(task.start_time)
        )
        artifacts = {
            artifact.key: artifact.data for artifact in client.read_artifacts(flow_run_filter=only)
        }
        logs: list[str] = []
        until = time.monotonic() + 20
        while time.monotonic() < until and last_line not in logs:  # they are sent in batches
            time.sleep(0.5)
            found = client.read_logs(
                LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run])), limit=200
            )
            logs = [line.message for line in found]
    return [task.name for task in tasks], logs, artifacts


def test_the_deployment_runs_daily_one_at_a_time_and_names_a_flow_that_exists():
    from ruamel.yaml import YAML

    from flows.pipeline import retrain

    deployment = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"][0]
    file, name = deployment["entrypoint"].split(":")
    assert (ROOT / file).is_file()
    assert name == retrain.fn.__name__
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    minute, hour, *rest = deployment["schedules"][0]["cron"].split()
    assert minute.isdigit() and hour.isdigit() and rest == ["*", "*", "*"]
