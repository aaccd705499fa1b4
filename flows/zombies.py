"""An automation on the server marks a run without heartbeats as crashed, so the next can start."""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import Automation, AutomationCore
from prefect.client.orchestration import get_client
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


def provision() -> None:
    """Create the automation where there is none, and mend one of another version.

    One that is there is left alone: made anew, it would forget the runs that it waits for.
    """
    wanted = automation()
    with get_client(sync_client=True) as client:
        existing = client.read_automations_by_name(NAME)
        if not existing:
            wanted.create()
        elif _rule(existing[0]) != _rule(wanted):
            wanted.enabled = existing[0].enabled  # somebody may have turned it off
            client.update_automation(existing[0].id, wanted)


def _rule(automation: AutomationCore) -> tuple[object, ...]:
    """What it waits for and what it does then, without the ids that a server adds."""
    trigger = automation.trigger.model_dump(mode="json", exclude={"id"})
    return trigger, [action.model_dump(mode="json") for action in automation.actions]
