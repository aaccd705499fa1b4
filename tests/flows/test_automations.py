"""Automations are made once, however often a server starts, and pass alarms on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.automations import BLOCK, WEBHOOK, WEBHOOK_NAME, provision
from flows.zombies import NAME, WITHIN, automation
from slmrec.core.errors import UsageError
from slmrec.registry.command import publish_bundle
from slmrec.registry.store import Registry
from tests.support.posts import posts_received
from tests.support.project import ROOT
from tests.support.registries import small_project
from tests.support.served import Served
from tests.support.waiting import wait_until


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


@pytest.mark.usefixtures("prefect_server")
def test_whoever_is_named_is_told_of_alarms_by_one_automation() -> None:
    settings = {WEBHOOK: "http://127.0.0.1:1/hook"}
    with get_client(sync_client=True) as client:
        provision(settings)
        (first,) = client.read_automations_by_name(WEBHOOK_NAME)
        provision(settings)
        (second,) = client.read_automations_by_name(WEBHOOK_NAME)
    assert first == second
    assert first.trigger.expect == {"slmrec.alarm.*"}  # type: ignore[union-attr]


@pytest.mark.usefixtures("prefect_server")
def test_a_block_that_nobody_has_saved_is_an_error_that_says_how() -> None:
    with pytest.raises(UsageError, match="'email/oncall', and the server has no such block"):
        provision({BLOCK: "email/oncall"})


@pytest.mark.acceptance
def test_an_alarm_of_the_watch_reaches_a_webhook(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text())
    bundle = small_project(small / "variants" / "good")
    publish_bundle(
        bundle, Registry(small / ".state" / "registry"), "champion", None, small / "reports", None
    )
    with posts_received() as (url, received):
        monkeypatch.setenv(WEBHOOK, f"{url}/hook")
        served = Served(small)
        try:
            path = "deployments/name/watch/watch"
            found: dict[str, Any] = served.call(path, method="GET")[1]
            create = f"deployments/{found['id']}/create_flow_run"
            code, run = served.call(create, {"parameters": {"limits": {"max_age_days": 1e-9}}})
            assert code < 300, run
            wait_until(lambda: served.state(run["id"]) in ("Alarm", "Failed", "Crashed"), every=0.5)
            assert served.state(run["id"]) == "Alarm", served.printed.read_text()
            wait_until(lambda: bool(received), every=0.2)
        finally:
            served.stop()
    (post,) = received
    told = json.loads(post.body)
    assert (told["event"], told["version"]) == ("slmrec.alarm.no-new-version", "1.0.0")
    assert "wanted at most 1e-09" in told["line"]
