"""OpenLineage events of real DVC stages: to a file and to a server, and nothing secret in them."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.dvc_stages import StageError, reproduce_stage
from flows.lineage import Lineage, Parent
from slmrec.core.errors import UsageError
from tests.support.openlineage import faults
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


@pytest.fixture
def complete(tmp_path: Path) -> Event:
    """The end of a stage whose files dvc.lock tells of; nothing runs."""
    stage = {"cmd": "true", "deps": ["data"], "outs": ["out"]}
    YAML(typ="safe").dump({"stages": {"first": stage}}, tmp_path / "dvc.yaml")
    entry = {"md5": "0" * 32, "size": 1}
    locked = stage | {"deps": [entry | {"path": "data"}], "outs": [entry | {"path": "out"}]}
    YAML(typ="safe").dump({"stages": {"first": locked}}, tmp_path / "dvc.lock")
    file = tmp_path / "lineage.jsonl"
    with Lineage(str(file), tmp_path, PARENT).of("first", print):
        pass
    return events_in(file)[1]


def events_in(file: Path) -> list[Event]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_stage_that_runs_is_told_of_with_the_hashes_of_dvc(small: Path) -> None:
    file = small / "lineage.jsonl"
    told_of(small, "first", str(file))
    start, complete = events_in(file)
    for event in (start, complete):
        assert faults(event) == []
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
    assert faults(fail) == []
    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    assert fail["run"]["facets"]["errorMessage"]["message"] == "broken ended with 3"
    assert SECRET not in (small / "lineage.jsonl").read_text()


def test_a_stage_that_is_cancelled_is_told_of_as_such(small: Path) -> None:
    told = Lineage(str(small / "lineage.jsonl"), small, None)
    with pytest.raises(KeyboardInterrupt), told.of("first", print):
        raise KeyboardInterrupt
    start, abort = events_in(small / "lineage.jsonl")
    assert faults(abort) == []
    assert (start["eventType"], abort["eventType"]) == ("START", "ABORT")


@pytest.mark.parametrize(
    ("where", "wrong", "fault"),
    [
        (("run", "runId"), "first", "$.run.runId: 'first' is not a 'uuid'"),
        (("eventTime",), "2026-11-26", "$.eventTime: '2026-11-26' is not a 'date-time'"),
        (("eventType",), "DONE", "$.eventType: 'DONE' is not one of"),
        (("job", "name"), None, "$.job: 'name' is a required property"),
        (("inputs", 0, "namespace"), None, "$.inputs[0]: 'namespace' is a required property"),
        (("outputs", 0, "outputFacets", "outputStatistics", "size"), "1", "'1' is not of type"),
        (("inputs", 0, "facets", "version", "_producer"), None, "'_producer' is a required"),
        (("run", "facets", "parent", "job"), None, "'job' is a required property"),
        (("run", "facets", "secret"), {}, "'secret' was unexpected"),
    ],
)
def test_the_schema_refuses_what_is_no_event(
    complete: Event, where: tuple[str | int, ...], wrong: object, fault: str
) -> None:
    assert faults(complete) == []
    *path, last = where
    holder: Any = complete
    for step in path:
        holder = holder[step]
    if wrong is None:
        del holder[last]
    else:
        holder[last] = wrong
    assert [found for found in faults(complete) if fault in found]


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
    assert [faults(event) for event in events] == [[], []]
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
