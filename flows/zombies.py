"""An automation on the server marks a run without heartbeats as crashed, so the next can start."""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture, ResourceSpecification

NAME = "crash-silent-runs"
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
HEARTBEAT_SECONDS = 30  # between two heartbeats of a run; flows.local_server sets it
WITHIN = timedelta(seconds=100)  # three heartbeats and more: one may be late on a busy machine


def automation() -> Automation:
    """Marks a run as crashed when a heartbeat is followed by no other and by no end of the run."""
    silence = EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        for_each={"prefect.resource.id"},
        after={HEARTBEAT},
        expect={HEARTBEAT, *ENDS},
        posture=Posture.Proactive,
        threshold=1,
        within=WITHIN,
    )
    why = "no heartbeat for 100 s: its process is gone"
    crash = ChangeFlowRunState(state=StateType.CRASHED, name=None, message=why, force=False)
    description = "A run without a heartbeat for 100 s has lost its process."
    return Automation(name=NAME, description=description, trigger=silence, actions=[crash])
