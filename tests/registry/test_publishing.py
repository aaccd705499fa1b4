"""A version is published whole or not at all, and its readers never notice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import BundleError, BusyError, GateError, UsageError
from slmrec.core.files import read_json
from slmrec.registry import publishing
from slmrec.registry.challenger import Challenger
from slmrec.registry.gate import GateSettings
from slmrec.registry.pointer import move_pointer, only_publisher
from slmrec.registry.publishing import Publication, publish, published_as
from slmrec.registry.store import Registry
from slmrec.registry.version import Version
from slmrec.runtime import Recommender, verify
from slmrec.runtime.bundle import MANIFEST
from tests.support.project import ROOT, environment
from tests.support.registries import small_project

READ = """
import sys
from pathlib import Path
from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.follow import current_bundle

registry, reads, done = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
versions, count = set(), 0
while count < reads or not done.exists():
    bundle = current_bundle(registry)
    read_bundle(bundle)
    versions.add(bundle.parent.name)
    count += 1
print(count, len(versions))
"""


def publish_bundle(
    bundle: Path, registry: Registry, override: str | None = None
) -> tuple[Publication, list[str]]:
    """The publication, and the lines that were told."""
    told: list[str] = []
    project = bundle.parents[1]
    settings = GateSettings.read(project, "champion", None)
    challenger = Challenger.beside(bundle, settings.served)
    report = registry.folder.parent / "reports"
    return publish(challenger, registry, settings, override, report, told.append), told


def files(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_version_holds_the_bundle_its_models_its_verdict_and_what_it_was_made_from(
    good_bundle: Path, registry: Registry
) -> None:
    done, told = publish_bundle(good_bundle, registry)
    assert (done.version, done.replaces, done.level) == (Version(1, 0, 0), None, "first")
    folder = registry.folder_of(done.version)
    assert files(folder) == {
        "bundle", "student", "teacher", "item_vectors", "ensemble", "metrics", "recorded.jsonl",
        "verdict.json", "verdict.html", "record.json",
    }  # fmt: skip
    assert files(folder / "student") == {"model.safetensors", "config.json"}
    assert files(folder / "metrics") == {"evaluation.json"}
    assert verify(folder / "bundle", "cpu", 1).max_difference == 0.0
    record = read_json(folder / "record.json")
    assert record["replaces"] is None and record["override"] is None
    assert record["bundle_sha256"] == record["judged_sha256"]
    assert record["params"]["gate"]["margin"] == 0.05
    assert "20 recorded histories replayed" in done.checked
    assert any("all 7 rules hold" in line for line in told)


def test_the_better_one_takes_the_place_and_the_worse_one_does_not(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    publish_bundle(worse_bundle, registry)
    done, _told = publish_bundle(good_bundle, registry)
    assert (str(done.version), str(done.replaces), done.level) == ("1.0.1", "1.0.0", "patch")
    assert registry.current() == done.version
    before = files(registry.folder)
    with pytest.raises(GateError, match=r"kept the champion 1\.0\.1: .* ndcg@10 of champion"):
        publish_bundle(worse_bundle, registry)
    assert files(registry.folder) == before
    assert registry.current() == done.version
    assert not read_json(registry.folder.parent / "reports" / "gate.json")["publishes"]


def test_an_override_needs_a_reason_and_the_record_keeps_it(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    publish_bundle(good_bundle, registry)
    with pytest.raises(UsageError, match="an override needs a reason"):
        publish_bundle(worse_bundle, registry, "  ")
    done, told = publish_bundle(worse_bundle, registry, "the shop was closed")
    record = read_json(registry.folder_of(done.version) / "record.json")
    assert record["override"] == "the shop was closed"
    assert record["gate_passed"] is False
    assert any(line.startswith("overridden (the shop was closed)") for line in told)


def test_the_same_bundle_is_not_published_twice(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    good, worse = (Challenger.beside(bundle, "student") for bundle in (good_bundle, worse_bundle))
    assert published_as(good, registry) is None
    publish_bundle(good_bundle, registry)
    assert published_as(good, registry) == Version(1, 0, 0)
    assert published_as(worse, registry) is None


def test_nothing_is_left_of_a_bundle_that_fails_where_it_would_serve(
    good_bundle: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_lists(recommender: Recommender, histories: Sequence[list[str]]) -> bytes:
        return record(recommender, histories).replace(b'"items": ["', b'"items": ["i2", "')

    record = publishing.record
    monkeypatch.setattr(publishing, "record", other_lists)
    with pytest.raises(BundleError, match="fails in a fresh process, nothing is published"):
        publish_bundle(good_bundle, registry)
    assert files(registry.folder) == {".locks"}


@pytest.mark.parametrize("meanwhile", ["judge", "check_in_fresh_process"])
def test_whoever_moved_the_pointer_meanwhile_is_not_overrun(
    good_bundle: Path,
    worse_bundle: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
) -> None:
    first, _told = publish_bundle(worse_bundle, registry)
    second, _told = publish_bundle(good_bundle, registry)

    def while_somebody_rolls_back(*arguments: Any) -> Any:
        move_pointer(registry, first.version, expected=second.version)
        return step(*arguments)

    step = getattr(publishing, meanwhile)
    monkeypatch.setattr(publishing, meanwhile, while_somebody_rolls_back)
    with pytest.raises(BusyError, match=r"the champion was 1\.0\.1 and is 1\.0\.0 by now"):
        publish_bundle(worse_bundle, registry, "again")
    assert registry.current() == first.version
    assert registry.versions() == [first.version, second.version]


def test_of_two_publishers_one_ends_at_once(good_bundle: Path, registry: Registry) -> None:
    registry.folder.mkdir()
    with only_publisher(registry), pytest.raises(BusyError, match="publish is already running"):
        publish_bundle(good_bundle, registry)
    assert registry.versions() == []


def test_after_a_rollback_the_number_goes_on_from_the_newest(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    first, _told = publish_bundle(worse_bundle, registry)
    second, _told = publish_bundle(good_bundle, registry)
    move_pointer(registry, first.version, expected=second.version)
    third, _told = publish_bundle(good_bundle, registry)
    assert str(third.version) == "1.0.2"
    assert third.replaces == first.version


def test_a_champion_that_cannot_be_read_stops_unless_overridden(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    first, _told = publish_bundle(worse_bundle, registry)
    (registry.bundle_dir(first.version) / MANIFEST).write_text("")
    with pytest.raises(BundleError, match="to publish without it, give --override"):
        publish_bundle(good_bundle, registry)
    done, _told = publish_bundle(good_bundle, registry, "the champion is damaged")
    assert (str(done.version), done.level) == ("2.0.0", "major")


def test_versions_beyond_those_to_keep_are_dropped(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    for bundle in (good_bundle, worse_bundle) * 2:
        done, _told = publish_bundle(bundle, registry, "in turn")
    assert done.dropped == [Version(1, 0, 0)]  # gate.keep_versions is 3
    assert list(map(str, registry.versions())) == ["1.0.1", "1.0.2", "1.0.3"]


def read_while_publishing(
    bundles: list[Path], registry: Registry, publications: int, reads: int
) -> list[tuple[int, int]]:
    """How often each of two processes read the champion meanwhile, and in how many versions."""
    publish_bundle(bundles[-1], registry)
    done = registry.folder.parent / "done"
    command = [sys.executable, "-c", READ, str(registry.folder), str(reads // 2), str(done)]
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment(), text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )
            )
            for _ in range(2)
        ]  # fmt: skip
        try:
            for number in range(publications):
                publish_bundle(bundles[number % len(bundles)], registry, "in turn")
        finally:
            done.touch()
        ended = [reader.communicate() for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0], ended
    return [tuple(map(int, out.split())) for out, _err in ended]  # type: ignore[misc]


def test_readers_see_one_whole_version_after_another(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    counts = read_while_publishing([good_bundle, worse_bundle], registry, 4, reads=200)
    assert sum(reads for reads, _versions in counts) >= 200
    assert min(versions for _reads, versions in counts) >= 3


@pytest.mark.acceptance
def test_ten_thousand_reads_during_a_hundred_publications(
    good_bundle: Path, worse_bundle: Path, registry: Registry
) -> None:
    counts = read_while_publishing([good_bundle, worse_bundle], registry, 100, reads=10_000)
    print(f"reads and versions of each reader: {counts}")
    assert sum(reads for reads, _versions in counts) >= 10_000
    assert min(versions for _reads, versions in counts) > 90
    assert files(registry.folder) == {".locks", "current", "1.0.98", "1.0.99", "1.0.100"}


def test_a_project_of_another_run_publishes_a_version_of_its_own_weights(
    good_bundle: Path, registry: Registry, tmp_path: Path
) -> None:
    publish_bundle(good_bundle, registry)
    slightly = small_project(tmp_path / "slightly", 1e-4)
    done, _told = publish_bundle(slightly, registry)
    weights = (registry.folder_of(done.version) / "student/model.safetensors").read_bytes()
    assert re.fullmatch(rb"0\.0001 0", weights)
    assert Recommender(registry.bundle_dir(done.version), "cpu", 1).largest_k == 39
    shutil.rmtree(slightly.parents[1])  # a version needs nothing of where it came from
    assert verify(registry.bundle_dir(done.version), "cpu", 1).cases == 10
