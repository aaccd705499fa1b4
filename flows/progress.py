"""How far a stage is, as an artifact of the flow run that moves with the lines it prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from uuid import UUID

from httpx import HTTPError
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectException

# "student: epoch 3/14 ..." of a training, "evaluate: 4/10 ..." of other long work.
COUNTED = re.compile(r"(?P<what>[\w.-]+): (?:epoch )?(?P<done>\d+)/(?P<total>\d+)(?: |$)")


def share_done(line: str) -> float | None:
    """The percentage that a stage's line tells of; None where it tells of none."""
    match = COUNTED.match(line)
    if match is None or not int(match["total"]):
        return None
    return min(100.0 * int(match["done"]) / int(match["total"]), 100.0)


class StageProgress:
    """What a stage prints, passed on to a log, and shown in the Prefect UI where it counts.

    A server that is away costs the artifact, never the stage.
    """

    def __init__(self, stage: str, log: Callable[[str], None]) -> None:
        self.stage, self.log = stage, log
        self.artifact: UUID | None = None
        self.is_shown = True

    def __call__(self, line: str) -> None:
        """Log a line, and move the artifact if the line says how far the stage is."""
        self.log(line)
        share = share_done(line)
        if share is None or not self.is_shown:
            return
        try:
            self._show(share, line)
        except (HTTPError, PrefectException) as error:
            self.is_shown = False
            self.log(f"progress of {self.stage} is no longer shown: {error}")

    def _show(self, share: float, line: str) -> None:
        if self.artifact is None:
            key = f"progress-{self.stage.replace('_', '-')}"
            # Called without `await`, it is not the coroutine that its type allows for.
            self.artifact = cast(UUID, create_progress_artifact(share, key, line))
        else:
            update_progress_artifact(self.artifact, share, line)
