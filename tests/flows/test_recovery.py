"""What a former server left: runs are crashed, slots free again, processes ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.objects import (
    ConcurrencyLimitStrategy,
    ConcurrencyOptions,
    StateType,
)
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Pending, Running

from flows.recovery import SERVED_BY, end_orphans, recover
from slmrec.core.locks import lock


@flow
def nightly() -> None:
    """A flow with one slot, which is never run here."""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))


def started(client: SyncPrefectClient) -> object:
    """A run of a deployment with one slot, which it holds if it is free; the run's id."""
    flow_id = client.create_flow(nightly)
    cancel = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    deployment = client.create_deployment(
        flow_id, "one-slot", concurrency_limit=1, concurrency_options=cancel
    )
    run = client.create_flow_run_from_deployment(deployment)
    if client.set_flow_run_state(run.id, Pending()).status is SetStateStatus.ACCEPT:
        client.set_flow_run_state(run.id, Running())
    return run.id


@pytest.mark.usefixtures("prefect_server")
def test_an_unfinished_run_is_crashed_with_the_reason_and_the_next_one_starts() -> None:
    with get_client(sync_client=True) as client:
        left = started(client)
        assert client.read_flow_run(left).state_type is StateType.RUNNING  # type: ignore[arg-type]
        blocked = started(client)  # what every later run was
        assert client.read_flow_run(blocked).state_type is StateType.CANCELLED  # type: ignore[arg-type]
        assert recover("its server ended before it did")
        state = client.read_flow_run(left).state  # type: ignore[arg-type]
        assert state is not None
        assert (state.type, state.message) == (StateType.CRASHED, "its server ended before it did")
        following = started(client)
        assert client.read_flow_run(following).state_type is StateType.RUNNING  # type: ignore[arg-type]
        assert recover("again")
        assert recover("and again") == []


@pytest.mark.usefixtures("prefect_server")
def test_a_slot_that_nobody_holds_is_free_again() -> None:
    with get_client(sync_client=True) as client:
        started(client)
        recover("its server ended")
        held = client.read_deployment_by_name("nightly/one-slot").global_concurrency_limit
        assert held is not None
        lost = GlobalConcurrencyLimitUpdate(active_slots=1)  # as a lease does that a server forgot
        client.update_global_concurrency_limit(held.name, lost)
        recover("its server ended")
        assert client.read_global_concurrency_limit_by_name(held.name).active_slots == 0


@pytest.mark.usefixtures("prefect_server")
def test_a_run_of_make_flow_at_work_is_spared() -> None:
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(nightly, state=Running())
        with lock("pipeline"):
            assert recover("its server ended") == []
        assert recover("its server ended") == [run.name]


def test_processes_of_a_former_server_end_and_those_of_this_one_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    project = {"SLMREC_PROJECT": str(tmp_path)}
    marks = {
        "left": {**project, SERVED_BY: "1 since 1"},
        "own": {**project, SERVED_BY: "2 since 2"},
    }
    marks["other"] = {"SLMREC_PROJECT": "/elsewhere", SERVED_BY: "1 since 1"}
    marks["worker elsewhere"] = project
    started = {
        name: subprocess.Popen(sleep, env={**os.environ, **mark}) for name, mark in marks.items()
    }
    monkeypatch.setenv("SLMREC_PROJECT", str(tmp_path))
    monkeypatch.setenv(SERVED_BY, "2 since 2")
    try:
        assert end_orphans() == [started["left"].pid]
        assert [name for name, process in started.items() if process.poll() is None] == [
            "own",
            "other",
            "worker elsewhere",
        ]
    finally:
        for process in started.values():
            process.kill()
            process.wait()
