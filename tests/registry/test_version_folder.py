"""The folder of a version: whole, readable by everybody, and what it says of itself."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slmrec.core.files import read_json
from slmrec.registry.challenger import Challenger
from slmrec.registry.verdict import Rule, Verdict
from slmrec.registry.version import Version
from slmrec.registry.version_folder import Judged, facts_of, write_version
from slmrec.runtime import verify
from slmrec.runtime.bundle import read_bundle

BROKEN = Rule("hr@10", 0.1, "hits", "because", at_least=0.2)
FACTS = {"version": "1.0.1"}
PARTS = {"student", "teacher", "item_vectors", "ensemble", "metrics"}


@pytest.fixture
def judged(good_bundle: Path) -> Judged:
    challenger = Challenger.beside(good_bundle, "student")
    figures = {"challenger": {"hr@10": 0.1}}
    verdict = Verdict("judged", "1.0.0", {}, figures, [BROKEN], "the shop was closed")
    return Judged(challenger, Version(1, 0, 0), verdict, None, b"{}\n")


def test_the_verdict_lies_in_the_bundle_and_the_rest_of_it_is_as_it_was(
    judged: Judged, tmp_path: Path
) -> None:
    write_version(tmp_path, judged, FACTS)
    published = dict(read_bundle(tmp_path / "bundle").files)
    verdict = read_json(tmp_path / "verdict.json")
    assert json.loads(published.pop("gate.json")) == verdict == judged.verdict.as_json()
    assert published == judged.challenger.bundle.files
    assert "the shop was closed" in (tmp_path / "verdict.html").read_text()
    assert verify(tmp_path / "bundle", "cpu", 1).max_difference == 0.0


def test_everybody_may_read_it(judged: Judged, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)  # as a private umask would make it
    write_version(tmp_path, judged, FACTS)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), path


def test_models_and_metrics_go_with_it_where_they_are_there(judged: Judged, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    write_version(tmp_path / "all", judged, FACTS)
    absent: dict[str, Any] = {f"{name}_dir": None for name in PARTS}
    without = replace(judged.challenger, **absent)
    (tmp_path / "without").mkdir()
    write_version(tmp_path / "without", replace(judged, challenger=without), FACTS)
    here, there = (
        {file.name for file in (tmp_path / name).iterdir()} for name in ("all", "without")
    )
    assert here - there == PARTS
    assert (tmp_path / "all/item_vectors/sasrec/model.safetensors").is_file()
    assert read_json(tmp_path / "all" / "record.json") == FACTS


def test_the_record_names_both_bundles_the_override_and_what_changed(judged: Judged) -> None:
    facts = facts_of(judged, Version(1, 0, 1), "patch", [])
    assert facts["judged_sha256"] == "judged"
    assert facts["bundle_sha256"] == judged.challenger.manifest_sha256
    assert (facts["override"], facts["gate_passed"]) == ("the shop was closed", False)
    assert (facts["version"], facts["replaces"]) == ("1.0.1", "1.0.0")
    assert facts["change"] == {"level": "patch", "changes": []}
    assert facts["inputs_sha256"].keys() == {"histories", "student", "evaluation"}
    assert facts["params"]["gate"]["margin"] == 0.05
