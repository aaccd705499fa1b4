"""`slmrec publish` from a folder to printed lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import GateError
from slmrec.core.files import read_json
from slmrec.registry.command import judge_bundle, publish_bundle
from slmrec.registry.store import Registry


def test_it_tells_the_rules_the_check_and_what_serves_now(
    good_bundle: Path, worse_bundle: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = registry.folder.parent / "reports"
    publish_bundle(worse_bundle, registry, "champion", None, reports, None)
    first = capsys.readouterr().out.splitlines()
    assert first[-1] == f"1.0.0 serves (first): {registry.folder}/1.0.0"
    publish_bundle(good_bundle, registry, "champion", None, reports, None)
    second = capsys.readouterr().out.splitlines()
    assert second[-1] == f"1.0.1 serves in place of 1.0.0 (patch): {registry.folder}/1.0.1"
    assert any(line.startswith("publish: pass  ndcg@10 of champion") for line in second)
    assert any("recorded histories replayed" in line for line in second)


def test_the_champion_itself_is_not_published_again(
    good_bundle: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        publish_bundle(good_bundle, registry, "champion", None, registry.folder.parent, None)
        is not None
    )
    assert (
        publish_bundle(good_bundle, registry, "champion", None, registry.folder.parent, None)
        is None
    )
    assert "is the champion already, 1.0.0; nothing to publish" in capsys.readouterr().out
    assert len(registry.versions()) == 1


def test_a_dry_run_says_what_would_come_of_it_and_touches_nothing_else(
    good_bundle: Path, worse_bundle: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = registry.folder.parent / "reports"
    judge_bundle(worse_bundle, registry, "champion", None, reports, None)
    assert capsys.readouterr().out.endswith("would be published; nothing was, as asked\n")
    assert not registry.folder.exists() and (reports / "gate.html").is_file()
    publish_bundle(good_bundle, registry, "champion", None, reports, None)
    with pytest.raises(GateError, match=r"kept the champion 1\.0\.0"):
        judge_bundle(worse_bundle, registry, "champion", None, reports, None)
    assert [str(version) for version in registry.versions()] == ["1.0.0"]


def test_what_changes_for_consumers_and_what_is_dropped_is_told(
    good_bundle: Path, worse_bundle: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_bundle(worse_bundle, registry, "champion", None, registry.folder.parent, None)
    (registry.folder / "1.0.0" / "bundle" / "MANIFEST.sha256").write_text("")
    publish_bundle(good_bundle, registry, "champion", "damaged", registry.folder.parent, None)
    assert "publish: since 1.0.0: version 1.0.0 cannot be read" in capsys.readouterr().out


def test_against_the_baselines_alone_the_champion_is_not_measured_but_replaced(
    good_bundle: Path, worse_bundle: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = registry.folder.parent
    publish_bundle(good_bundle, registry, "champion", None, reports, None)
    with pytest.raises(GateError, match=r"kept the champion 1\.0\.0"):
        publish_bundle(worse_bundle, registry, "champion", None, reports, None)
    done = publish_bundle(worse_bundle, registry, "baselines", None, reports, None)
    assert done is not None and str(done.replaces) == "1.0.0"
    told = capsys.readouterr().out
    assert "the champion 1.0.0 is not measured: against the baselines alone, as asked" in told
    verdict = read_json(registry.folder_of(done.version) / "verdict.json")
    assert verdict["champion"] is None and verdict["publishes"]
