"""The command `python -m flows.retrain_once`: its parameters, and the code that it ends with."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from flows.retrain_once import parse
from tests.support.project import environment


def test_what_is_not_given_keeps_the_flows_default() -> None:
    assert parse(["landing"]) == {
        "landing": "landing",
        "force": False,
        "dry_run": False,
        "warm": False,
    }
    options = ["--date", "2026-03-01", "--force", "--dry-run", "--warm", "--override", "why"]
    options += ["--refit", "2%,1%"]
    assert parse(["s3://bucket/logs", *options, "--settle-seconds", "3"]) == {
        "landing": "s3://bucket/logs",
        "date": date(2026, 3, 1),
        "force": True,
        "dry_run": True,
        "override": "why",
        "refit": {"valid_from": "2%", "test_from": "1%"},
        "settle_seconds": 3,
        "warm": True,
    }


@pytest.mark.parametrize("text", ["2%", "soon,1%", "2%,1%,0%"])
def test_cuts_of_another_form_are_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["landing", "--refit", text])
    assert f"--refit: invalid cuts value: '{text}'" in capsys.readouterr().err


def test_without_a_landing_folder_it_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([])
    assert ended.value.code == 2
    assert "LANDING" in capsys.readouterr().err


@pytest.mark.acceptance
def test_a_project_without_a_commit_is_one_line_and_a_code(project: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.retrain_once", str(tmp_path)],
        cwd=project,
        env={**environment(), "PREFECT_HOME": str(project / ".cache" / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "\nretrain: the project has no git commit; " in done.stderr
