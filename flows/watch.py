"""What is served, watched on a schedule: `slmrec monitor` as a flow, alarms as Prefect events."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed
from pydantic import BaseModel, Field

from flows.dvc_stages import StageError, run_module
from flows.pipeline import PROJECT, Text
from flows.processes import end_with_worker
from slmrec.core.errors import PromiseError
from slmrec.core.files import read_json
from slmrec.core.state import state_folder

ALARM = "slmrec.alarm"  # and the name of the threshold: slmrec.alarm.hit-rate
QUIET, ALARMED = "NoAlarm", "Alarm"  # names of the run's last state


class Limits(BaseModel, extra="forbid"):
    """Thresholds of `slmrec monitor`: what is left empty is as there, a negative one is none."""

    within_hours: float | None = Field(None, gt=0, description="An event of clicks counts so long.")
    below_days: int | None = Field(None, description="Days in a row below the expected hit rate.")
    min_users: int | None = Field(None, ge=1, description="A day with fewer is not judged.")
    max_unknown: float | None = Field(None, description="Share of ids unknown to the version.")
    max_top_share: float | None = Field(None, description="Of all places, for ten items.")
    min_overlap: float | None = Field(None, description="Share in common with the champion.")
    max_age_days: float | None = Field(None, description="Of the newest version.")


AS_IN_THE_MONITOR = Limits()


@flow(name="watch")
def watch(
    served: Text | None = None,
    clicks: Text | None = None,
    version: Text = "current",
    limits: Limits = AS_IN_THE_MONITOR,
) -> State[None]:
    """Hold what a version served against what was expected, and raise an event for each alarm.

    The state's name says what came of it: NoAlarm or Alarm. Raises StageError where version or log
    cannot be used.

    Args:
        served: Table of served lists, a file or a folder; without one the age alone is judged.
        clicks: Table of what was chosen, where it is not in the served lists.
        version: A version, or current.
        limits: From where on there is an alarm; what is left empty is as `slmrec monitor` has it.
    """
    end_with_worker()
    given: dict[str, Any] = {"registry": state_folder().absolute() / "registry"}
    given |= limits.model_dump(exclude_none=True)
    given |= {"served": served} if served else {}
    given |= {"clicks": clicks} if clicks else {}
    options = (f"--{name.replace('_', '-')}={value}" for name, value in given.items())
    words = ["monitor", version, *options]
    with TemporaryDirectory() as folder:
        report = _report(words, Path(folder, "monitor.json"))
    for alarm in report["alarms"]:
        tell(report, alarm)
    _publish(report)
    names = ", ".join(alarm["name"] for alarm in report["alarms"])
    return Completed(name=ALARMED if names else QUIET, message=names or "no alarm")


def _report(words: list[str], path: Path) -> dict[str, Any]:
    """The figures of `slmrec monitor`, which ends with a code of its own where there are alarms."""
    arguments = [*words, "--json", str(path)]
    try:
        run_module("slmrec.cli", arguments, "monitor", PROJECT, get_run_logger().info)
    except StageError as error:
        if error.code != PromiseError.exit_code or not path.is_file():
            raise
    report: dict[str, Any] = read_json(path)
    return report


def tell(report: dict[str, Any], alarm: dict[str, Any]) -> None:
    """Emit the event of one alarm, about the version that was watched."""
    version = report["version"]
    emit_event(
        event=f"{ALARM}.{alarm['name']}",
        resource={
            "prefect.resource.id": f"slmrec.version.{version}",
            "prefect.resource.name": f"slmrec {version}",
        },
        payload={**alarm, "version": version},
    )


def _publish(report: dict[str, Any]) -> None:
    rows = report.get("days") or [report["newest"]]
    create_table_artifact(table=rows, key="watch", description=f"Version {report['version']}")
