"""The command `slmrec monitor`: what was served and clicked, beside what was expected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slmrec.core.installed import require

OFF = "a negative number switches it off"
Version = Annotated[
    str, typer.Argument(help="A version, or `current`.", show_default=False, metavar="VERSION")
]
Served = Annotated[
    Path | None,
    typer.Option(metavar="LOG", help="Served lists: Parquet, CSV, JSON lines, or a folder."),
]
Clicks = Annotated[
    Path | None,
    typer.Option(metavar="EVENTS", help="user, time, item: what was chosen, if not in LOG."),
]
WithinHours = Annotated[
    float, typer.Option(min=0.001, help="How long after a list an event of --clicks counts.")
]
BelowDays = Annotated[
    int, typer.Option(help=f"Judged days in a row below the expected hit rate; {OFF}.")
]
MinUsers = Annotated[int, typer.Option(min=1, help="A day with fewer users is not judged.")]
MaxUnknown = Annotated[
    float, typer.Option(help=f"Share of unknown items in histories and clicks; {OFF}.")
]
MaxTopShare = Annotated[
    float, typer.Option(help=f"Share of places of the ten most shown items; {OFF}.")
]
MinOverlap = Annotated[float, typer.Option(help=f"Share in common with the champion; {OFF}.")]
MaxAge = Annotated[float, typer.Option(help=f"Days since the newest version was published; {OFF}.")]
AsOf = Annotated[
    datetime | None, typer.Option(help="The time that the age is counted to, UTC; else now.")
]
JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures there.")
]
Registry = Annotated[
    Path | None,
    typer.Option(
        "--registry", metavar="DIR", help="The registry; SLMREC_STATE/registry if not given."
    ),
]


def monitor(
    version: Version,
    served: Served = None,
    clicks: Clicks = None,
    within_hours: WithinHours = 24.0,
    below_days: BelowDays = 2,
    min_users: MinUsers = 30,
    max_unknown: MaxUnknown = 0.2,
    max_top_share: MaxTopShare = 0.5,
    min_overlap: MinOverlap = -1.0,
    max_age_days: MaxAge = 14.0,
    as_of: AsOf = None,
    json_path: JsonPath = None,
    registry: Registry = None,
) -> None:
    """Hold what a version served against what was expected of it; exit code 4 is an alarm."""
    require("polars", "pyarrow", extra="pipeline")
    from slmrec.registry.alarms import Thresholds
    from slmrec.registry.monitor import Logs, tell, watch
    from slmrec.registry.store import at

    limits = Thresholds(
        below_days=below_days if below_days > 0 else None,
        min_users=min_users,
        max_unknown=_limit(max_unknown),
        max_top_share=_limit(max_top_share),
        min_overlap=_limit(min_overlap),
        max_age_days=_limit(max_age_days),
    )
    logs = Logs(served, clicks, within_hours) if served else None
    now = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    tell(watch(at(registry), version, logs, limits, now), json_path)


def _limit(value: float) -> float | None:
    """A negative one is none."""
    return value if value >= 0 else None
