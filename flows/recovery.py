"""After the end of a server: runs that it left unfinished are crashed, slots and processes freed.

A run that is Running for ever would hold the one slot, and every later run would be cancelled.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from slmrec.core.errors import BusyError
from slmrec.core.locks import lock

SERVED_BY = "SLMREC_SERVED_BY"  # in the environment of all that a `make ui` starts: its process
UNFINISHED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
SECONDS_TO_END = 5


def recover(why: str) -> list[str]:
    """Mark unfinished runs as crashed, with `why`, and free their slots; returns their names.

    To be called while nothing of the server's is running. A run without a deployment may be that of
    a `make flow` at work, which holds the pipeline's lock: it stays.
    """
    spare_others = _pipeline_is_at_work()
    with get_client(sync_client=True) as client:
        runs = [
            run for run in _unfinished(client) if run.deployment_id is not None or not spare_others
        ]
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message=why), force=True)
        _free_slots(client)
    return [run.name for run in runs]


def _pipeline_is_at_work() -> bool:
    try:
        with lock("pipeline"):
            return False
    except BusyError:
        return True


def _unfinished(client: SyncPrefectClient) -> list[FlowRun]:
    unfinished = FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED))
    runs: list[FlowRun] = []
    while page := client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=unfinished), offset=len(runs)
    ):
        runs += page
    return runs


def _free_slots(client: SyncPrefectClient) -> None:
    """A slot whose lease died with a server is given back by nothing else."""
    for deployment in client.read_deployments():
        held = deployment.global_concurrency_limit
        if held is not None and held.active_slots:
            client.update_global_concurrency_limit(
                held.name, GlobalConcurrencyLimitUpdate(active_slots=0)
            )


def end_orphans() -> list[int]:
    """End what a former `make ui` of this folder left running; returns the process ids."""
    orphans = list(_orphans())
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.terminate()
    _, alive = psutil.wait_procs(orphans, SECONDS_TO_END)
    for orphan in alive:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    return [orphan.pid for orphan in orphans]


def _orphans() -> Iterator[psutil.Process]:
    project, own = os.environ["SLMREC_PROJECT"], os.environ[SERVED_BY]
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}
        is_ours = environment.get("SLMREC_PROJECT") == project and SERVED_BY in environment
        if is_ours and environment[SERVED_BY] != own and process.pid != os.getpid():
            yield process
