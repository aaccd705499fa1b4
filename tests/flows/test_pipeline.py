"""The pipeline as a Prefect flow: real subprocesses, a real server, and DVC doing the work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.settings import PREFECT_API_URL
from ruamel.yaml import YAML

from flows.dvc_stages import StageError
from flows.pipeline import retrain
from slmrec.core.errors import BusyError
from slmrec.core.locks import lock
from tests.support.project import ROOT, environment
from tests.support.waiting import wait_until


@pytest.mark.usefixtures("prefect_server")
class TestOnAServer:
    """These share one server, started once."""

    def test_the_flow_runs_every_stage_shows_its_lines_and_publishes_the_metrics(
        self, small: Path
    ) -> None:
        state = retrain(return_state=True)
        assert state.is_completed(), state.message
        assert (small / "metrics/evaluation.json").exists()
        flow_run = state.state_details.flow_run_id
        assert flow_run is not None
        assert task_names(flow_run) == ["preflight", "first", "second", "report", "publish-metrics"]
        assert set(task_states(flow_run).values()) == {"Completed"}
        wait_until(lambda: {"first line", "second line", "reporting"} <= logged(flow_run))
        artifacts = published(flow_run)
        assert "0.5000" in str(artifacts["quality-and-cost"])
        assert "student-teacher" in str(artifacts["result"])
        again = retrain(lineage=str(small / "lineage.jsonl"), return_state=True)
        assert again.state_details.flow_run_id is not None
        states = task_states(again.state_details.flow_run_id)
        stages = {name: states[name] for name in ("first", "second", "report")}
        assert stages == dict.fromkeys(stages, "Unchanged")
        events = [json.loads(line) for line in (small / "lineage.jsonl").read_text().splitlines()]
        of_flow = {event["run"]["facets"]["parent"]["run"]["runId"] for event in events}
        assert (len(events), of_flow) == (6, {str(again.state_details.flow_run_id)})

    def test_a_failed_preflight_stops_the_flow_before_any_stage(self, small: Path) -> None:
        (small / "data/small.inter").write_text("")
        state = retrain(return_state=True)
        assert state.is_failed()
        error = state.result(raise_on_failure=False)
        assert isinstance(error, StageError)
        assert error.code == 3
        # headed by the check that failed, not by one that passed after it
        assert "preflight ended with 3: data data/ has checksum" in str(error)
        assert not (small / "first.txt").exists()

    def test_of_two_retrains_at_once_the_second_ends_with_a_clear_code(self, small: Path) -> None:
        prefect = {
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "PREFECT_HOME": str(small / ".cache" / "prefect"),
        }
        with lock("pipeline"):
            second = subprocess.run(
                [sys.executable, "-m", "flows.once"],
                cwd=small,
                env=environment() | prefect,
                capture_output=True,
                text=True,
                check=False,
            )
        assert second.returncode == BusyError.exit_code, second.stderr
        assert "\nflow: pipeline is already running (process " in second.stderr
        assert not (small / "first.txt").exists()


def task_states(flow_run: UUID) -> dict[str, str]:
    """The name of the state that each of the run's tasks ended in, by the task's."""
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=only(flow_run))
    return {task.name: str(task.state_name) for task in tasks}


def task_names(flow_run: UUID) -> list[str]:
    """Names of the run's tasks, in the order of their starts."""
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=only(flow_run))
    return [task.name for task in sorted(tasks, key=lambda task: str(task.start_time))]


def logged(flow_run: UUID) -> set[str]:
    """The run's log lines that have reached the server: they are sent in batches."""
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        return {line.message for line in client.read_logs(of_run, limit=200)}


def published(flow_run: UUID) -> dict[str | None, Any]:
    """The run's artifacts by key."""
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(flow_run_filter=only(flow_run))
    return {artifact.key: artifact.data for artifact in artifacts}


def only(flow_run: UUID) -> FlowRunFilter:
    return FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))


def test_the_deployment_runs_daily_one_at_a_time_and_names_a_flow_that_exists() -> None:
    deployment = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"][0]
    file, name = deployment["entrypoint"].split(":")
    assert (ROOT / file).is_file()
    assert name == retrain.fn.__name__
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    minute, hour, *rest = deployment["schedules"][0]["cron"].split()
    assert minute.isdigit() and hour.isdigit() and rest == ["*", "*", "*"]
