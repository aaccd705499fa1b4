"""A run whose heartbeats stop is marked as crashed, by one automation however often it starts."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client

from flows.zombies import ENDS, HEARTBEAT, HEARTBEAT_SECONDS, NAME, WITHIN, automation, provision


def test_a_heartbeat_may_be_missed_three_times_before_a_run_counts_as_crashed() -> None:
    assert WITHIN.total_seconds() > 3 * HEARTBEAT_SECONDS


def test_a_heartbeat_must_be_followed_by_another_or_by_an_end_of_the_run() -> None:
    trigger = automation().trigger
    assert trigger.after == {HEARTBEAT}  # type: ignore[union-attr]
    assert trigger.expect == {HEARTBEAT, *ENDS}  # type: ignore[union-attr]


@pytest.mark.usefixtures("prefect_server")
def test_the_automation_is_provisioned_once_however_often() -> None:
    provision()
    provision()
    with get_client(sync_client=True) as client:
        automations = client.read_automations_by_name(NAME)
    assert len(automations) == 1
    assert automations[0].enabled
