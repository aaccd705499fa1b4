"""What `init` alone gives, beside the settings of experts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import own_logs
from benchmarks.own_logs import linked_logs, result_of, run
from benchmarks.workspace import PARAMS, Workspace, read_stages
from slmrec.core.files import write_json
from slmrec.params.params_file import read_params


def test_sequences_become_one_event_a_line_as_init_advises(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "sequences.txt").write_text("7 30 20\n8 20\n")
    logs_dir = linked_logs("set", tmp_path, tmp_path / "work")
    assert (logs_dir / "events.csv").read_text().splitlines() == ["7,30,2", "7,20,3", "8,20,2"]


def test_other_logs_are_taken_as_they_lie(tmp_path: Path) -> None:
    assert linked_logs("set", tmp_path, tmp_path / "work") == tmp_path / "set"


def test_init_writes_the_settings_that_every_stage_runs_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    runs = True

    def run_stage(_self: Workspace, name: str) -> bool:
        ran.append(name)
        return runs

    monkeypatch.setattr(Workspace, "run_stage", run_stage)
    (tmp_path / "logs").mkdir()
    lines = [f"u{user},i{(user + step) % 9},{step}" for user in range(300) for step in range(7)]
    (tmp_path / "logs" / "events.csv").write_text("\n".join(["user,item,position", *lines]) + "\n")
    root = tmp_path / "work"
    minutes = run(root, tmp_path / "logs", budget=None, threads=1)
    assert ran == list(minutes) == list(read_stages())
    params = read_params(root / "params.yaml")
    assert params.prepare.events.files == ["events.csv"]  # what init found
    assert params.split.method == "leave_one_out"  # a position is no clock
    assert params.compute.threads == 1
    runs = False  # all is there: the minutes are those of when it was made
    write_json(root / "minutes.json", minutes | {"prepare": 7.5})
    assert run(root, tmp_path / "logs", budget=None, threads=1) == minutes | {"prepare": 7.5}


def measured(ndcg: float) -> dict[str, Any]:
    return {"full": {"ndcg@10": ndcg}}


def test_the_result_compares_the_student_with_the_experts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_logs, "RESULTS", tmp_path)
    experts = {"sasrec": measured(0.05), "student_narrow": measured(0.08)}
    write_json(tmp_path / "quality-set.json", {"models": experts})
    models = {"student": measured(0.06), "sasrec": measured(0.04)}
    evaluation = {"models": models, "paired": {}, "protocol": {"items": 9}}
    write_json(tmp_path / "work" / "metrics" / "evaluation.json", evaluation)
    (tmp_path / "work" / "params.yaml").write_text(PARAMS.read_text())
    result = result_of(tmp_path / "work", "set", {"prepare": 0.1})
    assert result["student by experts' student"] == pytest.approx(0.75)
    assert result["ndcg@10"] == {"student": 0.06, "sasrec": 0.04}
    assert result["minutes"] == {"prepare": 0.1}
    nobodys = result_of(tmp_path / "work", "set-that-nobody-tuned", {})
    assert nobodys["ndcg@10 of experts' settings"] == {}
    assert "student by experts' student" not in nobodys
