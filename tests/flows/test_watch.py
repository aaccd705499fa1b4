"""The watch as a flow: quiet, or an event for each alarm that says what was seen and wanted."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, cast

import pytest
from prefect.events.utilities import emit_event
from prefect.exceptions import ParameterTypeError

from flows import watch as watching
from flows.dvc_stages import StageError
from flows.watch import Limits, watch
from slmrec.core.errors import UsageError
from slmrec.registry.command import publish_bundle
from slmrec.registry.monitor_command import monitor
from slmrec.registry.store import Registry
from tests.support.registries import small_project

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def published(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose registry has one version; the process stands in it."""
    monkeypatch.delenv("SLMREC_STATE", raising=False)
    bundle = small_project(small / "variants" / "good")
    publish_bundle(
        bundle, Registry(small / ".state" / "registry"), "champion", None, small / "reports", None
    )
    return small


@pytest.mark.usefixtures("published")
def test_a_young_version_is_quiet_and_an_old_one_raises_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[dict[str, Any]] = []

    def emitted(**event: Any) -> object:
        events.append(event)
        return emit_event(**event)

    monkeypatch.setattr(watching, "emit_event", emitted)
    assert watch(return_state=True).name == "NoAlarm"
    assert events == []
    state = watch(limits=Limits(max_age_days=1e-9), return_state=True)
    assert (state.name, state.message) == ("Alarm", "no-new-version")
    (event,) = events
    assert event["event"] == "slmrec.alarm.no-new-version"
    assert event["resource"]["prefect.resource.id"] == "slmrec.version.1.0.0"
    assert event["payload"]["line"].endswith("wanted at most 1e-09")


def test_every_threshold_of_the_monitor_is_a_parameter() -> None:
    asked = set(inspect.signature(monitor).parameters) - {"as_of", "json_path", "registry"}
    assert {*Limits.model_fields, "version", "served", "clicks"} == asked


@pytest.mark.usefixtures("published")
def test_a_negative_threshold_is_none_and_one_that_is_none_at_all_is_refused() -> None:
    assert watch(limits=Limits(max_age_days=-1), return_state=True).name == "NoAlarm"
    with pytest.raises(ParameterTypeError, match="max_agedays"):
        watch(limits=cast(Limits, {"max_agedays": 3}))


def test_without_a_version_it_fails_and_says_why(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLMREC_STATE", raising=False)
    assert not (small / ".state").exists()
    state = watch(return_state=True)
    assert state.is_failed()
    error = state.result(raise_on_failure=False)
    assert isinstance(error, StageError)
    assert error.code == UsageError.exit_code
