"""A trial is a verdict that passed; anything else is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.registry.trial import Trial


def written(path: Path, **changes: object) -> Path:
    verdict = {"publishes": True, "window": {"targets": 1234}, "challenger": "abc"}
    path.write_text(json.dumps(verdict | changes))
    return path


def test_it_says_what_it_was_judged_on(tmp_path: Path) -> None:
    trial = Trial.read(written(tmp_path / "gate.json"))
    assert trial.why == "judged by the trial, on 1,234 targets"
    assert trial.judged == "abc"


def test_what_did_not_pass_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did not pass the gate"):
        Trial.read(written(tmp_path / "gate.json", publishes=False))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"publishes": true, "window": 3}'])
def test_what_is_no_verdict_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "gate.json").write_text(text)
    with pytest.raises(DataError, match=r"gate\.json is not a verdict"):
        Trial.read(tmp_path / "gate.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="FileNotFoundError"):
        Trial.read(tmp_path / "gate.json")
