"""Prefect's page in a real browser: a run from the form, its stages, the verdict, a picture."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.server_process import HOST
from tests.support.browser import CHROMIUM, Browser
from tests.support.landing_flow import land, write_landing_flow
from tests.support.project import ROOT
from tests.support.served import Served
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
TEXT = "document.body.innerText"
ENDS = ("Published", "ChampionKept", "Failed", "Crashed", "Cancelled")
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


def make_shop(project: Path) -> None:
    """A project with a day in its landing folder, which the deployment `retrain` names."""
    shutil.copytree(ROOT / "flows", project / "flows", dirs_exist_ok=True)
    landing = write_landing_flow(project)
    land(landing, "day1.inter", "u1\ti1\t3\t900000000")
    definition = YAML().load(ROOT / "prefect.yaml")
    (retrain,) = [each for each in definition["deployments"] if each["name"] == "retrain"]
    retrain["parameters"] = {"landing": str(landing), "settle_seconds": 0}
    with (project / "prefect.yaml").open("w") as stream:
        YAML().dump(definition, stream)


def test_a_run_from_the_form_shows_its_stages_the_verdict_and_a_picture(project: Path) -> None:
    make_shop(project)
    served = Served(project)
    try:
        with Browser() as browser:
            _walk(browser, served, project)
    finally:
        served.stop()


def _walk(browser: Browser, served: Served, project: Path) -> None:
    page = f"http://{HOST}:{served.port}"
    secret = (project / ".state" / "prefect-auth").read_bytes().strip()
    browser.open(page)
    browser.wait_for("location.pathname.includes('login')")
    signed = base64.b64encode(secret).decode()
    browser.evaluate(f"localStorage.setItem('prefect-password', '{signed}')")  # as its form does
    deployment = served.deployment("retrain-landed/retrain")["id"]
    browser.open(f"{page}/deployments/deployment/{deployment}/run")
    browser.wait_for(shows("Folder that new logs arrive in"))  # the parameter's description
    browser.wait_for(clicked("Submit"))
    wait_until(lambda: last_run(served, deployment), every=0.5)
    run = last_run(served, deployment)
    assert run is not None
    wait_until(lambda: served.state(run["id"]) in ENDS, every=0.5)
    assert served.state(run["id"]) == "Published", served.printed.read_text()
    browser.open(f"{page}/runs/flow-run/{run['id']}")
    browser.wait_for(clicked("Task Runs"))
    for task in ("look", "take in", "preflight", "prepare", "export", "publish"):
        browser.wait_for(shows(task))
    artifacts = {each["key"]: each["id"] for each in served.call("artifacts/filter", {})[1]}
    browser.open(f"{page}/artifacts/artifact/{artifacts['retrain']}")
    browser.wait_for(shows("1.0.0 serves"))
    browser.wait_for(shows("beats sasrec"))  # a rule of the gate
    browser.open(f"{page}/artifacts/artifact/{artifacts['pictures']}")
    browser.wait_for(shows("Learning curves"))
    browser.wait_for(PICTURE)
