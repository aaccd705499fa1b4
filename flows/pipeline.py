"""The pipeline as a Prefect flow, one task a stage: DVC decides what runs, Prefect decides when."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import Task
from pydantic import Field

from flows.budget import Budget
from flows.dvc_stages import StageError, reproduce_stage, run_module, stage_order
from flows.lineage import Lineage, Parent
from flows.pictures import publish_pictures
from flows.processes import end_with_worker
from flows.progress import StageProgress
from slmrec.core.locks import lock
from slmrec.results import read_results, result_text

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
ONCE: dict[str, Any] = {"cache_policy": NO_CACHE}
PROJECT = Path()  # a flow runs in the project's folder: make and the deployment see to that


def worth_retrying(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether another moment may help, by what the task ended with."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, StageError) and error.worth_retrying


IF_BUSY = ONCE | {
    "retries": 2,
    "retry_delay_seconds": [10, 60],
    "retry_condition_fn": worth_retrying,
}


@task(task_run_name="preflight", **ONCE)
def preflight(project: Path = PROJECT) -> None:
    """Check what can be checked before DVC runs a stage, because it deletes the outputs first."""
    run_module("slmrec.cli", ["doctor"], "preflight", project, get_run_logger().info)


@task(task_run_name="{stage}", **IF_BUSY)
def reproduce(
    stage: str, lineage: Lineage | None, project: Path = PROJECT, budget: Budget | None = None
) -> State[None]:
    """Run one stage of dvc.yaml, with its output in the log of the flow run and its progress shown.

    Its state is Completed, or Unchanged where DVC had its outputs already.
    """
    log = get_run_logger().info
    with lineage.of(stage, log) if lineage else nullcontext():
        ran = reproduce_stage(stage, project, StageProgress(stage, log), budget)
    return Completed() if ran else Completed(name="Unchanged")


def open_lineage(target: str | None, project: Path) -> Lineage | None:
    """Where the stages of this flow run are told of; None where nobody asked for it."""
    if target is None:
        return None
    run_id, flow_name = flow_run.id, flow_run.flow_name
    return Lineage(target, project, Parent(run_id, flow_name) if run_id and flow_name else None)


@task(task_run_name="publish-metrics", **ONCE)
def publish_metrics() -> None:
    """Attach the result to the flow run, as a table and as a page."""
    rows = read_results(PROJECT / "metrics")
    create_table_artifact(
        table=rows,
        key="quality-and-cost",
        description="Quality on the newest events, and cost, of every model",
    )
    create_markdown_artifact(
        markdown=result_text(PROJECT),
        key="result",
        description="What the run made, and where it lies",
    )
    publish_pictures(PROJECT, None)


@flow(name="retrain")
def retrain(lineage: Text | None = None) -> None:
    """Bring every stage up to date.

    Raises BusyError while another retrain runs and StageError when a stage fails.

    Args:
        lineage: File, or http(s) URL, that OpenLineage events of the stages go to.
    """
    end_with_worker()
    told = open_lineage(lineage, PROJECT)
    with lock("pipeline"):
        preflight()
        for stage in stage_order(PROJECT):
            reproduce(stage, told)
        publish_metrics()
