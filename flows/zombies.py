"""An automation on the server: a flow run that stops saying it lives is marked crashed, and the next one can start."""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture, ResourceSpecification

NAME = "crash-silent-runs"
LIFE = "prefect.flow-run.heartbeat"
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
HEARTBEAT_SECONDS = 30  # how often a run says that it lives; flows.ui sets it
WITHIN = timedelta(seconds=100)  # over three heartbeats: fewer would hit a run on a busy machine


def automation() -> Automation:
    """After a heartbeat there must come another, or an end."""
    return Automation(
        name=NAME,
        description="A run without a heartbeat for 100 s has lost its process.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            for_each={"prefect.resource.id"},
            after={LIFE},
            expect={LIFE, *ENDS},
            posture=Posture.Proactive,
            threshold=1,
            within=WITHIN,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name=None,
                message="no heartbeat for 100 s: its process is gone",
                force=False,
            )
        ],
    )


def provision() -> None:
    """Create the automation, or replace the one of an earlier start."""
    with get_client(sync_client=True) as client:
        for old in client.read_automations_by_name(NAME):
            client.delete_automation(old.id)
    automation().create()
    print(f"automation {NAME} is in place")


if __name__ == "__main__":
    provision()
