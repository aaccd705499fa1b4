"""What is served, watched on a schedule: `slmrec monitor` as a flow, alarms as Prefect events."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed
from pydantic import Field

from flows.dvc_stages import StageError, run_module
from flows.pipeline import PROJECT, Text
from flows.processes import end_with_worker
from slmrec.core.errors import PromiseError
from slmrec.core.files import read_json
from slmrec.core.state import state_folder

ALARM = "slmrec.alarm"  # and the name of the threshold: slmrec.alarm.hit-rate
Positive = Annotated[float, Field(gt=0)]
QUIET, ALARMED = "NoAlarm", "Alarm"  # names of the run's last state


@flow(name="watch")
def watch(
    served: Text | None = None,
    clicks: Text | None = None,
    version: Text = "current",
    within_hours: Positive | None = None,
    below_days: int | None = None,
    min_users: Annotated[int, Field(ge=1)] | None = None,
    max_unknown: float | None = None,
    max_top_share: float | None = None,
    min_overlap: float | None = None,
    max_age_days: float | None = None,
) -> State[None]:
    """Hold what a version served against what was expected, and raise an event for each alarm.

    A threshold that is left empty is that of `slmrec monitor`; a negative one is none. The state's
    name says what came of it: NoAlarm or Alarm. Raises StageError where version or log cannot be
    used.

    Args:
        served: Table of served lists, a file or a folder; without one the age alone is judged.
        clicks: Table of what was chosen, where it is not in the served lists.
        version: A version, or current.
        within_hours: How long after a list an event of clicks counts.
        below_days: An alarm when so many judged days in a row are below the expected hit rate.
        min_users: A day with fewer users is not judged.
        max_unknown: An alarm when more of the ids are unknown to the version.
        max_top_share: An alarm when the ten most shown items take more of all places.
        min_overlap: An alarm when lists have less in common with the champion's.
        max_age_days: An alarm when the newest version is older.
    """
    end_with_worker()
    options = {
        "registry": state_folder().absolute() / "registry",
        "served": served,
        "clicks": clicks,
        "within-hours": within_hours,
        "below-days": below_days,
        "min-users": min_users,
        "max-unknown": max_unknown,
        "max-top-share": max_top_share,
        "min-overlap": min_overlap,
        "max-age-days": max_age_days,
    }
    given = {name: value for name, value in options.items() if value is not None}
    words = ["monitor", version, *(f"--{name}={value}" for name, value in given.items())]
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
