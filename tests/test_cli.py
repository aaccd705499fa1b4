"""The console script: quick to start, one line and a code for each error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from slmrec.results import MARKS, as_markdown, read_results, write_into
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


def test_the_command_line_starts_without_anything_heavy():
    look = f"import sys, slmrec.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert loaded <= {"pydantic.main"}, (
        f"imported at start: {loaded}"
    )  # typer itself may bring pydantic


def test_every_command_of_the_readme_exists():
    said = run(ROOT, "slmrec.cli", "--help").stdout
    for command in ("fetch-demo", "simulate", "recommend", "verify", "doctor", "show"):
        assert command in said


ERRORS = [
    (["verify", "no-such-bundle"], 6, "no-such-bundle"),
    (["recommend", "no-such-bundle", "--history", "50"], 6, "no-such-bundle"),
    (["show"], 2, "metrics/evaluation.json is missing"),
    (["simulate", "--users", "9", "--events", "400", "--out", "."], 2, "never overwritten"),
    (["doctor", "--verbosely"], 2, "verbosely"),
]


@pytest.mark.parametrize(
    ("words", "code", "said"), ERRORS, ids=[words[0] + "-" + words[-1] for words, _, _ in ERRORS]
)
def test_an_error_is_a_line_and_a_code(tmp_path, words, code, said):
    done = subprocess.run(
        [sys.executable, "-m", "slmrec.cli", *words],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


QUALITY = {"ndcg@10": 0.0625, "hr@10": 0.125, "mrr": 0.05, "coverage@10": 0.5}


@pytest.fixture
def metrics(tmp_path):
    """Metrics of two models, written as the stages write them."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    measured = {"full": QUALITY, "ci95": {"ndcg@10": [0.06, 0.065]}, "parameters": 2600000}
    worse = {
        "full": {**QUALITY, "ndcg@10": 0.03},
        "ci95": {"ndcg@10": [0.02, 0.04]},
        "parameters": 0,
    }
    protocol = {"split": "temporal", "test_targets": 20000, "items": 1682, "seed": 4}
    whole = {
        "protocol": protocol,
        "models": {"teacher": measured, "popularity": worse},
        "paired": {},
    }
    (folder / "evaluation.json").write_text(json.dumps(whole))
    (folder / "cost.json").write_text(
        json.dumps(
            {"teacher": {"parameters": 2600000, "epoch_seconds": 12.34, "users_per_second": 1234.4}}
        )
    )
    return folder


def test_the_table_lists_models_from_worst_to_best_with_what_was_measured(metrics):
    rows = read_results(metrics)
    assert [row["model"] for row in rows] == ["popularity", "teacher"]
    assert rows[1]["ndcg@10"] == "0.0625"
    assert (rows[1]["epoch seconds"], rows[1]["users per second"]) == ("12.34", "1,234")
    assert rows[0]["users per second"] == ""  # nobody measured it, which is not zero


def test_the_columns_of_the_table_are_aligned():
    lines = as_markdown(
        [{"model": "a", "mrr": "0.1"}, {"model": "longer", "mrr": "0.12345"}]
    ).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "|--------|--------:|"


def test_the_readme_gets_the_table_between_its_marks_and_keeps_the_rest(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    write_into(readme, "new \\1\n")
    assert readme.read_text() == f"before\n{MARKS[0]}\nnew \\1\n{MARKS[1]}\nafter\n"
