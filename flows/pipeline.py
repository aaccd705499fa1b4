"""The pipeline as a Prefect flow: one task a stage, in dvc.yaml's order. DVC decides what is stale; this decides when."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.dvc_stages import StageError, reproduce_stage, run, stage_order
from slmrec.core.errors import SlmrecError
from slmrec.core.locks import lock
from slmrec.results import read_results, result_text

PROJECT = (
    Path()
)  # a flow runs in the project's folder: make, the deployment and the tests all see to it


def _worth_retrying(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, StageError) and error.worth_retrying


@task(task_run_name="preflight", cache_policy=NO_CACHE)
def preflight() -> None:
    """Everything that can be checked before DVC deletes a stage's outputs to run it."""
    run("slmrec.cli", ["doctor"], "preflight", PROJECT, get_run_logger().info)


@task(
    task_run_name="{stage}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_worth_retrying,
)
def reproduce(stage: str) -> None:
    """One stage of dvc.yaml, with its lines in the run's log."""
    reproduce_stage(stage, PROJECT, get_run_logger().info)


@task(task_run_name="publish-metrics", cache_policy=NO_CACHE)
def publish_metrics() -> None:
    """The result as a table and a page beside the run."""
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


@flow(name="retrain")
def retrain() -> None:
    """Bring every stage up to date. Raises BusyError when another retrain is at it, StageError when a stage ends badly."""
    with lock("pipeline"):
        preflight()
        for stage in stage_order(PROJECT):
            reproduce(stage)
        publish_metrics()


def main() -> None:
    """Run the flow once, here; exits with the failed stage's code, or 5 when another retrain holds the lock."""
    # Python's default on SIGTERM is to end at once, and the stage would be left running.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        retrain()
    except StageError as error:
        print(f"flow: {error}", file=sys.stderr)
        sys.exit(error.code)
    except SlmrecError as error:
        print(f"flow: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
