"""A trial, and training again: a real server, git, DVC and gate; only the training is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.git_commands import git
from slmrec.core.files import read_json
from tests.flows.test_pipeline import published, task_names
from tests.support.landing_flow import land, retrain


@pytest.mark.acceptance
@pytest.mark.usefixtures("prefect_server")
def test_what_passes_a_trial_is_trained_again_on_newer_events(landing: Path) -> None:
    land(landing, "day1.inter", "u1\ti1\t3\t900000000")
    refit = {"valid_from": "2%", "test_from": "1%"}
    state = retrain(landing, refit=refit, dry_run=True)
    assert state.name == "DryRun" and "all " in str(state.message), state.message
    assert not Path(".state/registry").exists()

    state = retrain(landing, refit=refit)
    assert state.name == "Published", state.message
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    assert task_names(run_id) == [
        "look", "take in", "preflight", "prepare", "export", "judge", "prepare again",
        "export again", "publish", "push data", "push commits",
    ]  # fmt: skip
    version, clone = Path(".state/registry/1.0.0"), Path(".state/retrain/repository")
    assert read_json(version / "trial.json")["champion"] is None
    assert read_json(version / "record.json")["params"]["split"]["test_from"] == "1%"
    tagged, branch = (
        git(clone, "show", f"{at}:params.yaml") for at in ("slmrec@v1.0.0", "retrain")
    )
    assert "test_from: 1%" in tagged and "test_from: 20%" in branch

    land(landing, "day2.inter", "poison\ti1\t3\t900000001")
    state = retrain(landing, refit=refit)
    assert state.name == "ChampionKept", state.message
    # Worse than the champion, yet better than counting: the trial lets it pass, the gate does not.
    assert "rules are broken against the champion 1.0.0" in str(state.message)

    land(landing, "day3.inter", "broken\ti1\t3\t900000002")
    state = retrain(landing, refit=refit)
    run_id = state.state_details.flow_run_id
    assert state.is_failed() and run_id is not None
    assert "not published: export ended with 4" in str(published(run_id)["retrain"])
