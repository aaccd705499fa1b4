"""A run whose heartbeats stop is marked as crashed, by one automation however often it starts."""

from __future__ import annotations

from datetime import timedelta

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
def test_the_automation_of_an_earlier_start_is_left_alone() -> None:
    with get_client(sync_client=True) as client:
        for old in client.read_automations_by_name(NAME):
            client.delete_automation(old.id)
        provision()
        (first,) = client.read_automations_by_name(NAME)
        client.pause_automation(first.id)  # as somebody may in the page
        before = client.request("POST", "/automations/filter", json={}).json()
        provision()
        after = client.request("POST", "/automations/filter", json={}).json()
    assert after == before  # its time of change and the ids of its triggers, too
    assert [found["enabled"] for found in after if found["name"] == NAME] == [False]


@pytest.mark.usefixtures("prefect_server")
def test_an_automation_of_another_version_is_mended_in_its_place() -> None:
    other = automation()
    other.trigger.within = timedelta(seconds=40)  # type: ignore[union-attr]
    with get_client(sync_client=True) as client:
        for old in client.read_automations_by_name(NAME):
            client.delete_automation(old.id)
        other.create()
        (before,) = client.read_automations_by_name(NAME)
        provision()
        (after,) = client.read_automations_by_name(NAME)
    assert after.id == before.id
    assert after.trigger.within == WITHIN  # type: ignore[union-attr]
