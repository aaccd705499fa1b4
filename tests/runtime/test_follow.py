"""A service goes over to a new version while it answers, and stays where that is broken."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from slmrec.runtime import BundleError, FollowingRecommender, Recommender
from slmrec.runtime.follow import current_bundle, current_version

HISTORIES = [["i5", "i9"], ["i3"]]
LONGEST = 600  # seconds: far more than a busy machine needs


@pytest.fixture
def registry(exported_bundle: Path, tmp_path: Path) -> Path:
    """A registry whose champion is 1.0.0."""
    folder = tmp_path / "registry"
    add(folder, "1.0.0", exported_bundle)
    point(folder, "1.0.0")
    return folder


def add(registry: Path, version: str, bundle: Path) -> None:
    shutil.copytree(bundle, registry / version / "bundle")


def point(registry: Path, version: str) -> None:
    """Move the pointer as a publisher does."""
    (registry / ".new").symlink_to(version)
    os.replace(registry / ".new", registry / "current")


def wait_for(recommender: FollowingRecommender, version: str) -> None:
    """Go on asking until this version answers."""
    last = time.monotonic() + LONGEST
    while recommender.version != version:
        recommender.recommend(HISTORIES, 3)
        assert time.monotonic() < last, f"still {recommender.version}"


def test_it_answers_as_the_bundle_does(registry: Path, recommender: Recommender) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=0)
    assert following.version == "1.0.0"
    expected = recommender.recommend(HISTORIES, 3, True, [["i7"], []])
    assert following.recommend(HISTORIES, 3, True, [["i7"], []]) == expected


def test_without_a_champion_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"names no version .* slmrec publish"):
        Recommender.follow(tmp_path, "cpu", 1, every=0)


def test_the_pointer_is_resolved_once_for_all_files(registry: Path) -> None:
    assert current_version(registry) == "1.0.0"
    assert current_bundle(registry) == registry / "1.0.0" / "bundle"


def test_a_new_version_is_taken_over_while_calls_go_on(
    registry: Path, exported_bundle: Path
) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=0)
    before = following.recommender
    add(registry, "1.0.1", exported_bundle)
    point(registry, "1.0.1")
    wait_for(following, "1.0.1")
    assert following.recommender is not before
    shutil.rmtree(registry / "1.0.0")
    assert before.recommend(HISTORIES, 3) == following.recommend(HISTORIES, 3), "it stays whole"


def test_it_looks_no_more_often_than_it_was_told(registry: Path, exported_bundle: Path) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=3600)
    add(registry, "1.0.1", exported_bundle)
    point(registry, "1.0.1")
    threads = set(threading.enumerate())
    following.recommend(HISTORIES, 3)
    assert set(threading.enumerate()) <= threads, "nothing loads"
    assert following.version == "1.0.0"
    assert following.refresh() == "1.0.1", "unless it is asked to"


def test_a_broken_version_is_reported_once_and_the_old_one_stays(
    registry: Path, exported_bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=3600)
    add(registry, "1.0.1", exported_bundle)
    (registry / "1.0.1" / "bundle" / "model.onnx").write_bytes(b"torn")
    point(registry, "1.0.1")
    with caplog.at_level(logging.WARNING):
        assert following.refresh() == following.refresh() == "1.0.0"
    (line,) = caplog.messages
    assert line.startswith("version 1.0.1 is refused, 1.0.0 stays: ")
    assert "was altered" in line
    add(registry, "1.0.2", exported_bundle)
    point(registry, "1.0.2")
    assert following.refresh() == "1.0.2"


def test_a_pointer_that_is_gone_is_reported_and_the_old_one_stays(
    registry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=3600)
    (registry / "current").unlink()
    with caplog.at_level(logging.WARNING):
        assert following.refresh() == "1.0.0"
    assert "names no version" in caplog.messages[0] and "1.0.0 stays in use" in caplog.messages[0]


def test_no_call_is_lost_while_versions_come_and_go(
    registry: Path, exported_bundle: Path, recommender: Recommender
) -> None:
    following = Recommender.follow(registry, "cpu", 1, every=0)
    expected = recommender.recommend(HISTORIES, 5)
    wrong: list[object] = []
    answered = [0, 0, 0]
    over = threading.Event()

    def call(place: int) -> None:
        while not over.is_set():
            try:
                if following.recommend(HISTORIES, 5) != expected:
                    wrong.append("another list")
            except Exception as error:  # noqa: BLE001 (whatever it is, a call was lost)
                wrong.append(error)
            answered[place] += 1

    callers = [threading.Thread(target=call, args=(place,)) for place in range(len(answered))]
    for caller in callers:
        caller.start()
    for patch in range(1, 11):
        add(registry, f"1.0.{patch}", exported_bundle)
        point(registry, f"1.0.{patch}")
        wait_for(following, f"1.0.{patch}")
        shutil.rmtree(registry / f"1.0.{patch - 1}")
    over.set()
    for caller in callers:
        caller.join()
    assert wrong == []
    assert min(answered) > 0
