"""OpenLineage events of real DVC stages: to a file and to a server, and nothing secret in them."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.dvc_stages import StageError, reproduce_stage
from flows.lineage import Lineage, Parent
from slmrec.core.errors import UsageError
from tests.support.posts import posts_received

PARENT = Parent(str(uuid.UUID(int=7)), "retrain")
SECRET = "planted-7f3a"
Event = dict[str, Any]


def told_of(small: Path, stage: str, target: str) -> list[str]:
    """Run a stage under lineage; the lines of its log."""
    lines: list[str] = []
    with Lineage(target, small, PARENT).of(stage, lines.append):
        reproduce_stage(stage, small, lines.append)
    return lines


def events_in(file: Path) -> list[Event]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def check_against_the_spec(event: Event) -> None:
    """What https://openlineage.io/spec/2-0-2/OpenLineage.json requires of a run event."""
    assert event.keys() >= {"run", "job", "eventTime", "producer", "schemaURL"}
    assert event["eventType"] in {"START", "COMPLETE", "FAIL", "ABORT"}
    assert datetime.fromisoformat(event["eventTime"]).tzinfo
    assert uuid.UUID(event["run"]["runId"])
    datasets = [*event["inputs"], *event["outputs"]]
    assert all(each.keys() >= {"namespace", "name"} for each in [event["job"], *datasets])
    for holder in [event["run"], event["job"], *datasets]:
        for facet in holder.get("facets", {}).values():
            assert facet.keys() >= {"_producer", "_schemaURL"}


def test_a_stage_that_runs_is_told_of_with_the_hashes_of_dvc(small: Path) -> None:
    file = small / "lineage.jsonl"
    told_of(small, "first", str(file))
    start, complete = events_in(file)
    for event in (start, complete):
        check_against_the_spec(event)
        assert event["job"]["name"] == "first"
        assert event["run"]["facets"]["parent"]["run"]["runId"] == PARENT.run_id
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"]
    lock = YAML(typ="safe").load(small / "dvc.lock")["stages"]["first"]
    (data,), (out,) = complete["inputs"], complete["outputs"]
    assert (data["namespace"], data["name"]) == ("file", f"{small}/data")
    assert data["facets"]["version"]["datasetVersion"] == lock["deps"][0]["md5"]
    assert out["facets"]["version"]["datasetVersion"] == lock["outs"][0]["md5"]
    assert out["outputFacets"]["outputStatistics"]["size"] == 1  # the stage writes "1"
    assert "version" not in start["outputs"][0].get("facets", {})  # it is not made yet


def test_a_stage_that_fails_says_with_what(small: Path) -> None:
    command = f"echo 'broken: no access with {SECRET}'; exit 3"
    stage = {"broken": {"cmd": command, "deps": ["data"]}}
    YAML(typ="safe").dump({"stages": stage}, small / "dvc.yaml")
    with pytest.raises(StageError):
        told_of(small, "broken", str(small / "lineage.jsonl"))
    start, fail = events_in(small / "lineage.jsonl")
    check_against_the_spec(fail)
    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    assert fail["run"]["facets"]["errorMessage"]["message"] == "broken ended with 3"
    assert SECRET not in (small / "lineage.jsonl").read_text()


def test_a_stage_that_is_cancelled_is_told_of_as_such(small: Path) -> None:
    told = Lineage(str(small / "lineage.jsonl"), small, None)
    with pytest.raises(KeyboardInterrupt), told.of("first", print):
        raise KeyboardInterrupt
    start, abort = events_in(small / "lineage.jsonl")
    check_against_the_spec(abort)
    assert (start["eventType"], abort["eventType"]) == ("START", "ABORT")


def test_a_server_gets_them_and_no_secret_is_in_them(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with posts_received() as (url, received):
        lines = told_of(small, "first", url)
    assert {post.path for post in received} == {"/api/v1/lineage"}
    assert {post.authorization for post in received} == {f"Bearer {SECRET}"}
    events = [json.loads(post.body) for post in received]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert SECRET not in json.dumps(events) + "".join(lines)


def test_a_server_that_is_away_stops_no_stage(small: Path) -> None:
    with posts_received() as (url, _):
        pass
    lines = told_of(small, "first", url)
    assert (small / "first.txt").read_text() == "1"
    assert [line for line in lines if line.startswith("lineage: ")] == [
        "lineage: START of first was not sent: ConnectionError",
        "lineage: COMPLETE of first was not sent: ConnectionError",
    ]


@pytest.mark.parametrize("target", ["ftp://host/file", "no/such/folder/events.jsonl", "."])
def test_a_target_that_is_neither_file_nor_server_is_refused(small: Path, target: str) -> None:
    with pytest.raises(UsageError, match="give a file in a folder that is there"):
        Lineage(target, small, None)
