"""The retraining as a flow: a real server, git, DVC and gate; only the training is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.utilities.callables import parameter_schema
from ruamel.yaml import YAML

from flows.dvc_stages import StageError
from flows.git_commands import git, object_at
from flows.retrain import retrain_landed
from flows.taken import Record
from slmrec.core.errors import BudgetError
from slmrec.core.files import sha256_of_folder
from tests.flows.test_pipeline import published, task_names
from tests.support.landing_flow import land, retrain
from tests.support.project import ROOT


def untouched(landing: Path) -> tuple[str, str, str]:
    """What only a publication may change: landing folder, the user's tree, champion."""
    tree = git(Path(), "status", "--porcelain") + git(Path(), "show-ref")
    champion = Path(".state/registry/current").resolve()
    return sha256_of_folder(landing, "*"), tree, f"{champion} {sha256_of_folder(champion, '*')}"


def tip() -> str | None:
    return object_at(Path(".state/retrain/repository"), "retrain")


@pytest.mark.acceptance
@pytest.mark.usefixtures("prefect_server")
def test_from_a_first_version_to_a_day_that_is_kept_back(landing: Path) -> None:
    store, remote = landing.with_name("store"), landing.with_name("remote.git")
    land(landing, "day1.inter", "u1\ti1\t3\t900000000")
    state = retrain(landing, dry_run=True)
    assert (state.name, tip()) == ("DryRun", None), state.message
    assert not Path(".state/registry").exists()

    state = retrain(landing)
    assert state.name == "Published", state.message
    assert str(state.message).startswith("1.0.0 serves: all ")
    assert Path(".state/registry/current").readlink() == Path("1.0.0")
    assert object_at(remote, "slmrec@v1.0.0^{commit}") == object_at(remote, "retrain") == tip()
    assert (store / "files").is_dir()
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    assert task_names(run_id) == [
        "look", "take in", "preflight", "prepare", "export", "publish", "push data", "push commits",
    ]  # fmt: skip
    text = str(published(run_id)["retrain"])
    assert "beats sasrec" in text and "ndcg@10 95%" in text

    first = tip()
    state = retrain(landing)
    assert (state.name, tip()) == ("NothingNew", first), state.message

    poison = land(landing, "day2.inter", "poison\ti1\t3\t900000001")
    before = untouched(landing)
    state = retrain(landing)
    assert state.name == "ChampionKept", state.message
    assert "rules are broken against the champion 1.0.0" in str(state.message)
    assert untouched(landing) == before and tip() == first
    assert retrain(landing).name == "NothingNew"  # until something changes

    broken = land(landing, "day3.inter", "broken\ti1\t3\t900000002")
    before = untouched(landing)
    state = retrain(landing, budget_minutes=0.001)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, BudgetError) and "the budget of 0.001 minutes" in str(error)
    assert untouched(landing) == before and tip() == first
    state = retrain(landing)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, StageError) and error.code == 4
    assert untouched(landing) == before and tip() == first

    poison.unlink()
    broken.unlink()
    land(landing, "late.inter", "u2\ti2\t3\t800000000", modified=1_600_000_000)
    assert retrain(landing).name == "Published"
    clone = Path(".state/retrain/repository")
    assert git(clone, "rev-parse", "retrain^") == first
    index = (clone / "data" / "index" / "items.parquet").read_text().split()
    assert index == ["small.inter", "day1.inter"]  # as first seen, not by name: handed on twice
    taken = Record.read(Path(".state/retrain/taken.json"))
    assert [file.name for file in taken.files] == ["day1.inter", "late.inter"]
    assert not taken.to_push and object_at(remote, "retrain") == tip()

    land(landing, "day4.inter", "poison\ti1\t3\t900000004")
    assert retrain(landing).name == "ChampionKept"
    state = retrain(landing, gate="baselines")  # not kept back: another gate may let it pass
    assert state.name == "Published", state.message
    assert "rules hold against the baselines" in str(state.message)


def test_the_form_says_what_each_parameter_is() -> None:
    schema = parameter_schema(retrain_landed).model_dump_for_openapi()
    assert set(schema["properties"]) == {
        "landing", "date", "budget_minutes", "force", "dry_run", "gate", "override",
        "refit", "settle_seconds", "warm", "lineage",
    }  # fmt: skip
    assert all(parameter["description"] for parameter in schema["properties"].values())
    assert schema["required"] == ["landing"]
    assert schema["properties"]["gate"]["enum"] == ["champion", "baselines"]


def test_the_deployment_runs_one_at_a_time_and_waits_for_somebody_to_switch_it_on() -> None:
    deployments = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"]
    (deployment,) = (each for each in deployments if each["name"] == "retrain")
    file, name = deployment["entrypoint"].split(":")
    assert (ROOT / file).is_file()
    assert name == retrain_landed.fn.__name__
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert [schedule["active"] for schedule in deployment["schedules"]] == [False]
