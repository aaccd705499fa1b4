"""prefect.yaml on a real server: what people changed there is kept, bad parameters are refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from flows.deploy import deploy
from tests.support.project import ROOT

NAME = "retrain/daily"


@pytest.fixture
def client(
    small: Path, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SyncPrefectClient]:
    """Of a server that does not know the deployment; the process stands in a project."""
    shutil.copy(ROOT / "prefect.yaml", small)
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    monkeypatch.setenv("SLMREC_PROJECT", str(small))
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)
        yield client


def read(client: SyncPrefectClient) -> DeploymentResponse:
    return client.read_deployment_by_name(NAME)


def test_a_schedule_and_a_pause_that_people_set_outlive_a_new_definition(
    client: SyncPrefectClient, small: Path
) -> None:
    assert deploy() == ["daily", "retrain", "retrain-warm", "watch", "evaluate-only"]
    first = read(client)
    weekly = DeploymentScheduleUpdate(schedule=CronSchedule(cron="7 5 * * 1"), active=False)
    client.update_deployment(first.id, DeploymentUpdate(paused=True, schedules=[weekly]))
    assert deploy() == []  # nothing has changed in the checkout

    text = (small / "prefect.yaml").read_text()
    (small / "prefect.yaml").write_text(text.replace("Bring every stale", "Bring each stale"))
    assert deploy() == ["daily"]
    second = read(client)
    assert second.id == first.id
    assert str(second.description).startswith("Bring each stale")
    assert second.paused
    (schedule,) = second.schedules
    assert (schedule.schedule.cron, schedule.active) == ("7 5 * * 1", False)  # type: ignore[union-attr]


def test_a_parameter_that_the_flow_does_not_have_is_refused_with_its_name(
    client: SyncPrefectClient,
) -> None:
    deploy()
    with pytest.raises(PrefectHTTPStatusError) as refused:
        client.create_flow_run_from_deployment(read(client).id, parameters={"date": "2026-01-01"})
    assert "'date' was unexpected" in str(refused.value)
    assert client.create_flow_run_from_deployment(read(client).id, parameters={}).id


@pytest.mark.acceptance
def test_a_start_that_was_killed_between_two_steps_is_finished_by_the_next(
    client: SyncPrefectClient,
) -> None:
    deploy()
    first = read(client)
    schema: dict[str, Any] = dict(first.parameter_openapi_schema or {})
    schema.pop("additionalProperties")
    client.update_deployment(first.id, DeploymentUpdate(parameter_openapi_schema=schema))
    assert deploy() == ["daily"]
    assert (read(client).parameter_openapi_schema or {})["additionalProperties"] is False
