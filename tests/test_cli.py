"""The console script: quick to start, one line and a code for each error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, environment, run

HEAVY = [
    "torch",
    "transformers",
    "polars",
    "pandas",
    "prefect",
    "dvc",
    "great_expectations",
    "onnxruntime",
    "onnx",
    "pydantic.main",
]


def test_the_command_line_starts_without_anything_heavy() -> None:
    program = (
        "import json, sys, slmrec.cli; "
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(process.stdout))
    assert loaded <= {"pydantic.main"}, f"imported at start: {loaded}"  # typer may bring pydantic


def test_help_names_every_command() -> None:
    help_text = run(ROOT, "slmrec.cli", "--help").stdout
    commands = "fetch-demo simulate recommend verify bench score init tune doctor show"
    for command in f"{commands} publish versions compare rollback".split():
        assert command in help_text


ERRORS = [
    (["verify", "no-such-bundle"], 6, "no-such-bundle"),
    (["recommend", "no-such-bundle", "--history", "50"], 6, "no-such-bundle"),
    (["show"], 2, "dvc.lock is missing"),
    (["simulate", "--users", "9", "--events", "400", "."], 2, "never overwritten"),
    (["simulate", "--users", "9", "--events", "400"], 2, "Missing argument 'FOLDER'"),
    (["doctor", "--verbosely"], 2, "verbosely"),
    (["tune", "--budget", "soon"], 2, "say it like 45m, 2h or 1h30m"),
    (["tune", "--budget", "2h"], 2, "params.yaml is missing"),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), ERRORS, ids=[f"{words[0]}-{words[-1]}" for words, _, _ in ERRORS]
)
def test_an_error_is_a_line_and_a_code(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "slmrec.cli", *words],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == code, process.stderr
    assert message in process.stderr
    assert "Traceback" not in process.stderr


def test_simulated_logs_lie_in_the_folder_that_was_named(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    words = ["simulate", "--users", "40", "--events", "4000", "--seed", "1", str(folder)]
    assert "4,000 events of 40 users" in run(ROOT, "slmrec.cli", *words).stdout
    assert sorted(path.name for path in folder.iterdir()) == ["events", "items", "truth.json"]
    assert len(list(folder.glob("events/*/events.parquet"))) == 365  # one a day of the year
    truth = json.loads((folder / "truth.json").read_text())
    assert (truth["users"], truth["events"], truth["seed"]) == (40, 4000, 1)


def test_without_the_pipelines_packages_a_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slmrec import cli
    from slmrec.core import installed

    missing = "dvc"
    monkeypatch.setattr(
        installed, "find_spec", lambda module: None if module == missing else object()
    )
    monkeypatch.setattr(sys, "argv", ["slmrec", "doctor"])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    assert ending.value.code == 8
    assert capsys.readouterr().err == (
        "slmrec: dvc not installed; this command needs the extra pipeline: "
        "pip install '.[pipeline]' in the project's folder\n"
    )


def test_a_search_without_its_packages_names_its_own_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slmrec import cli
    from slmrec.core import installed

    missing = "optuna"
    monkeypatch.setattr(
        installed, "find_spec", lambda module: None if module == missing else object()
    )
    monkeypatch.setattr(sys, "argv", ["slmrec", "tune", "--budget", "2h"])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    assert ending.value.code == 8
    assert "optuna not installed; this command needs the extra tune" in capsys.readouterr().err
