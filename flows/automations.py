"""Automations on the server, made by code: each once, mended where it is of another version."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from uuid import UUID

from prefect.automations import Automation, AutomationCore
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import ActionTypes, CallWebhook, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows import zombies
from flows.watch import ALARM
from slmrec.core.errors import UsageError

# Who is told of alarms: a URL that gets a POST, and a notification block, "email/oncall", that
# somebody has saved in the page.
WEBHOOK, BLOCK = "SLMREC_ALARM_WEBHOOK", "SLMREC_ALARM_BLOCK"
WEBHOOK_NAME, BLOCK_NAME = "slmrec-alarms-to-a-webhook", "slmrec-alarms-to-a-block"
SUBJECT = "slmrec: {{ event.event }}"
BODY = "{{ event.payload.line }}"
PAYLOAD = (
    '{"event": "{{ event.event }}", "version": "{{ event.payload.version }}", '
    '"line": {{ event.payload.line | tojson }}}'
)


def provision(settings: Mapping[str, str] = os.environ) -> None:
    """Create what is missing on the server: for runs that fell silent, and for alarms.

    Raises UsageError where the block that the settings name is not saved there.
    """
    with get_client(sync_client=True) as client:
        for wanted in [zombies.automation(), *alarm_automations(client, settings)]:
            _create_or_mend(client, wanted)


def alarm_automations(
    client: SyncPrefectClient, settings: Mapping[str, str]
) -> Iterable[Automation]:
    """What passes alarms on to where the settings say; nothing where they name nobody."""
    if url := settings.get(WEBHOOK):
        block = _saved_webhook(url)
        yield _on_alarms(WEBHOOK_NAME, CallWebhook(block_document_id=block, payload=PAYLOAD))
    if name := settings.get(BLOCK):
        block = _saved_block(client, name)
        action = SendNotification(block_document_id=block, subject=SUBJECT, body=BODY)
        yield _on_alarms(BLOCK_NAME, action)


def _on_alarms(name: str, action: ActionTypes) -> Automation:
    trigger = EventTrigger(expect={f"{ALARM}.*"}, posture=Posture.Reactive, threshold=1)
    description = "Passes every alarm of slmrec's watch on."
    return Automation(name=name, description=description, trigger=trigger, actions=[action])


def _saved_webhook(url: str) -> UUID:
    """The block of the URL, which Prefect stores encrypted; the same one at every start."""
    saved = Webhook(method="POST", url=url).save(WEBHOOK_NAME, overwrite=True)
    assert isinstance(saved, UUID)
    return saved


def _saved_block(client: SyncPrefectClient, name: str) -> UUID:
    kind, _, title = name.partition("/")
    try:
        document = client.read_block_document_by_name(title, kind)
    except ObjectNotFound as error:
        raise UsageError(
            f"{BLOCK} is {name!r}, and the server has no such block; save it in the page (Blocks), "
            "and give its type and name: email/oncall"
        ) from error
    return document.id


def _create_or_mend(client: SyncPrefectClient, wanted: Automation) -> None:
    """One that is there and right is left alone: made anew, it would forget what it waits for."""
    existing = client.read_automations_by_name(wanted.name)
    if not existing:
        wanted.create()
    elif _rule(existing[0]) != _rule(wanted):
        wanted.enabled = existing[0].enabled  # somebody may have turned it off
        client.update_automation(existing[0].id, wanted)


def _rule(automation: AutomationCore) -> tuple[object, ...]:
    """What it waits for and what it does then, without the ids that a server adds."""
    trigger = automation.trigger.model_dump(mode="json", exclude={"id"})
    return trigger, [action.model_dump(mode="json") for action in automation.actions]
