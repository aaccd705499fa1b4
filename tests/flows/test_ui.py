"""Prefect's page in a real browser: a run from the form, that its stages ended, and a picture."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.server_process import HOST
from tests.flows.test_pictures import write_curve
from tests.support.browser import CHROMIUM, Browser
from tests.support.project import ROOT
from tests.support.served import Served
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
TEXT = "document.body.innerText"
PICTURE = "[...document.images].some(x => x.src.startsWith('data:image') && x.width > 99)"


def shows(text: str) -> str:
    """JavaScript: whether the page shows a text."""
    return f"{TEXT}.includes({json.dumps(text)})"


def clicked(text: str) -> str:
    """JavaScript: whether there was something of that text, and nothing in it, to click."""
    everything = "[...document.querySelectorAll('*')]"
    found = f"{everything}.find(x => !x.childElementCount && x.innerText == '{text}')"
    return f"(found => found ? (found.click(), true) : false)({found})"


def last_run(served: Served, deployment: str) -> dict[str, Any] | None:
    """The run of a deployment that was created last; None where there is none."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_DESC"}
    runs = served.call("flow_runs/filter", wanted)[1]
    by_hand = [run for run in runs if not run["auto_scheduled"]]
    return by_hand[0] if by_hand else None


def test_a_run_from_the_form_shows_that_its_stages_ended_and_a_picture(small: Path) -> None:
    shutil.copy(ROOT / "prefect.yaml", small)
    write_curve(small, "teacher", [0.1, 0.2])
    served = Served(small)
    try:
        with Browser() as browser:
            _walk(browser, served, small)
    finally:
        served.stop()


def _walk(browser: Browser, served: Served, project: Path) -> None:
    page = f"http://{HOST}:{served.port}"
    secret = (project / ".state" / "prefect-auth").read_bytes().strip()
    browser.open(page)
    browser.wait_for("location.pathname.includes('login')")
    signed = base64.b64encode(secret).decode()
    browser.evaluate(f"localStorage.setItem('prefect-password', '{signed}')")  # as its form does
    deployment = served.deployment()["id"]
    browser.open(f"{page}/deployments/deployment/{deployment}/run")
    browser.wait_for(shows("OpenLineage events of the stages go to"))  # the parameter's description
    browser.wait_for(clicked("Submit"))
    wait_until(lambda: last_run(served, deployment), every=0.5)
    run = last_run(served, deployment)
    assert run is not None
    wait_until(lambda: served.state(run["id"]) in ("Completed", "Failed", "Crashed"), every=0.5)
    assert served.state(run["id"]) == "Completed", served.printed.read_text()
    browser.open(f"{page}/runs/flow-run/{run['id']}")
    browser.wait_for(clicked("Task Runs"))
    browser.wait_for(shows("(5 Completed)"))  # preflight, three stages, and the result
    artifacts = {each["key"]: each["id"] for each in served.call("artifacts/filter", {})[1]}
    browser.open(f"{page}/artifacts/artifact/{artifacts['pictures']}")
    browser.wait_for(shows("Learning curves"))
    browser.wait_for(PICTURE)
