"""A new process with the runtime alone loads what will be served."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slmrec.core.errors import BundleError
from slmrec.registry.fresh_check import check, check_in_fresh_process
from slmrec.registry.recorded import record
from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle
from tests.support.project import ROOT, environment

HISTORIES = [["i5", "i9"], ["i3"]]
FOREIGN = ["torch", "polars", "pandas", "pydantic.main", "transformers", "onnx", "filelock"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


@pytest.fixture
def recorded(bundle: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recorded.jsonl"
    path.write_bytes(record(Recommender(bundle, "cpu", 1), HISTORIES))
    return path


def test_a_whole_bundle_answers_in_a_fresh_process_as_recorded(
    bundle: Path, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # slmrec is found wherever the process stands
    seen = check_in_fresh_process(bundle, recorded)
    assert seen.startswith("10 golden cases and 2 recorded histories replayed; worst score")
    assert check(bundle, recorded) == seen


def test_what_fails_there_is_one_line(bundle: Path, recorded: Path) -> None:
    recorded.write_text(recorded.read_text().replace('"i3"', '"i4"'))
    with pytest.raises(
        BundleError, match=r"^the bundle fails in a fresh process, nothing is published: recorded"
    ):
        check_in_fresh_process(bundle, recorded)


def test_a_process_that_dies_is_named_by_its_last_words(tmp_path: Path, recorded: Path) -> None:
    with pytest.raises(BundleError, match=r"nothing is published: .*is no bundle"):
        check_in_fresh_process(tmp_path / "nowhere", recorded)
    with pytest.raises(BundleError, match="FileNotFoundError"):
        check_in_fresh_process(recorded.parent / "bundle", tmp_path / "nowhere.jsonl")


def test_it_loads_the_runtime_alone(bundle: Path, recorded: Path) -> None:
    program = (
        "import json, sys; from slmrec.registry import fresh_check; fresh_check.main(); "
        f"print(json.dumps([name for name in {FOREIGN!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle), str(recorded)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
