"""The gate as the flow calls it, on bundles that are really judged; and the run's page."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.dvc_stages import StageError
from flows.outcome import GATE, REPORTS, TRIAL, forget_refusal, judge, page, publish, refusal
from slmrec.core.files import read_json
from tests.support.project import ROOT
from tests.support.registries import NOISE, small_project


@pytest.fixture(autouse=True)
def code_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the projects below bring none


@pytest.mark.acceptance
def test_a_better_bundle_is_published_and_a_worse_one_is_kept_back_with_its_rules(
    tmp_path: Path,
) -> None:
    good, worse = tmp_path / "good", tmp_path / "worse"
    small_project(good)
    small_project(worse, noise=NOISE, seed=1)
    lines: list[str] = []
    published = publish(good, tmp_path / "registry", "champion", None, None, lines.append)
    assert published.version == "1.0.0"
    assert published.record == tmp_path / "registry" / "1.0.0" / "record.json"
    assert published.record.is_file()
    assert "rules hold against the baselines" in published.headline
    assert "1.0.0 serves (first)" in "\n".join(lines)

    kept = publish(worse, tmp_path / "registry", "champion", None, None, lines.append)
    assert (kept.version, kept.record) == (None, None)
    assert "rules are broken against the champion 1.0.0: " in kept.headline
    text = page(kept.headline, kept, worse)
    assert " FAIL |" in text and " pass |" in text
    assert "ndcg@10 95%" in text and "0.0000 to 1.0000" in text

    forced = publish(worse, tmp_path / "registry", "champion", "a test", None, lines.append)
    assert forced.version is not None
    assert forced.headline.endswith("; overridden: a test")
    again = publish(
        worse, tmp_path / "registry", "champion", None, None, lines.append
    )  # is the champion already
    assert again == forced


@pytest.mark.acceptance
def test_a_trial_is_judged_alone_and_its_verdict_goes_with_the_version(tmp_path: Path) -> None:
    good, registry = tmp_path / "good", tmp_path / "registry"
    small_project(good)
    trial = judge(good, registry, "baselines", None, None, TRIAL, print)
    assert trial.passed and trial.version is None and not registry.exists()
    published = publish(good, registry, "champion", None, trial, print)
    assert published.version == "1.0.0"
    verdict = read_json(good / REPORTS / GATE)
    beats = [rule for rule in verdict["rules"] if rule["name"].startswith("beats ")]
    assert {rule["not_judged"] for rule in beats} == {"judged by the trial, on 60 targets"}
    assert read_json(registry / "1.0.0" / "trial.json") == read_json(good / TRIAL / GATE)
    assert read_json(registry / "1.0.0" / "record.json")["trial_sha256"]


def test_logs_that_broke_a_promise_leave_a_verdict_and_other_errors_none(tmp_path: Path) -> None:
    broken = StageError("validate", 4, "1 broken: at most 5 times the usual events")
    text = refusal(tmp_path, broken)
    assert text is not None and text.startswith("not published: validate ended with 4: 1 broken")
    verdict = read_json(tmp_path / REPORTS / "refused.json")
    assert (verdict["publishes"], verdict["refused_by"]) == (False, "validate")
    assert "5 times the usual" in verdict["reason"]
    forget_refusal(tmp_path)
    assert not (tmp_path / REPORTS / "refused.json").exists()
    assert refusal(tmp_path, StageError("train_teacher", 7, "no number")) is None


def test_what_cannot_be_judged_is_an_error_with_its_code(tmp_path: Path) -> None:
    small_project(tmp_path / "project")
    (tmp_path / "project" / "artifacts" / "bundle" / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(StageError, match="publish ended with 6") as failed:
        publish(tmp_path / "project", tmp_path / "registry", "champion", None, None, print)
    assert failed.value.code == 6


def test_a_page_says_as_much_as_is_known() -> None:
    assert page("nothing is new", None, None) == "nothing is new"
