"""Files are known by their content, copies set apart, small files grouped by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from slmrec.core.checksum import read_checked_json
from slmrec.preprocessing.events import deliveries
from slmrec.preprocessing.events.deliveries import (
    ContentHashes,
    Delivered,
    group_files,
    hash_files,
    set_copies_apart,
)
from slmrec.preprocessing.logs.log_files import LogFile
from tests.support.logs import Workshop, as_csv


def delivered(tmp_path: Path, name: str, digest: str = "", size: int = 1) -> Delivered:
    path = tmp_path / name
    path.write_bytes(b"x" * size)
    return Delivered(LogFile(path, name, "csv", {}), digest or name)


def test_an_unchanged_file_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, memory = tmp_path / "a.csv", tmp_path / "hashes.json"
    path.write_text("one")
    first = ContentHashes(memory)
    digest = first.of(path)
    first.save(time.time_ns() + 10 * deliveries.FRESH_NS)
    monkeypatch.setattr(deliveries, "sha256_of", lambda path: pytest.fail("read again"))
    assert ContentHashes(memory).of(path) == digest


def test_a_file_of_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    path, memory = tmp_path / "a.csv", tmp_path / "hashes.json"
    path.write_text("one")
    hashes = ContentHashes(memory)
    hashes.of(path)
    hashes.save(path.stat().st_mtime_ns + deliveries.FRESH_NS)
    assert read_checked_json(memory) == {}, "a second write could leave the same stamp"


def test_hashes_are_remembered_from_run_to_run(tmp_path: Path) -> None:
    path, memory = tmp_path / "a.csv", tmp_path / "hashes.json"
    path.write_text("one")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    file = LogFile(path, "a.csv", "csv", {})
    (before,) = hash_files([file], memory)
    assert before.digest in memory.read_text()
    assert hash_files([file], memory) == [before]


def test_the_first_of_equal_files_is_read_and_the_others_are_its_copies(tmp_path: Path) -> None:
    files = [
        delivered(tmp_path, name, digest)
        for name, digest in (("a", "1"), ("b", "2"), ("c", "1"), ("d", "1"))
    ]
    originals, copies = set_copies_apart(files)
    assert [file.file.name for file in originals] == ["a", "b"]
    assert copies == {"1": ["c", "d"]}


def test_a_group_is_closed_when_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "GROUP_BYTES", 10)
    monkeypatch.setattr(deliveries, "_ends_a_group", lambda name: False)
    sizes = {"a": 4, "b": 6, "c": 20, "d": 1, "e": 2}
    files = [delivered(tmp_path, name, size=size) for name, size in sizes.items()]
    groups = [[file.file.name for file in group] for group in group_files(files)]
    assert groups == [["a", "b"], ["c"], ["d", "e"]]


def test_a_file_that_slips_in_changes_the_groups_near_it_alone(tmp_path: Path) -> None:
    names = [f"day {number:03d}" for number in range(200)]
    files = [delivered(tmp_path, name) for name in names]
    before = [[file.file.name for file in group] for group in group_files(files)]
    files.insert(100, delivered(tmp_path, "day 099 late"))
    after = [[file.file.name for file in group] for group in group_files(files)]
    changed = [group for group in after if group not in before]
    assert len(before) > 5 and 1 <= len(changed) <= 2


def test_a_changed_file_of_the_same_size_and_time_is_seen(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv([("ann", "x", 1_700_000_000, 1.0)]))
    path = Path("data/logs/all.csv")
    old = time.time() - 60
    os.utime(path, (old, old))
    workshop.prepare()
    workshop.deliver("all.csv", as_csv([("ann", "y", 1_700_000_000, 1.0)]))
    os.utime(path, (old, old))
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["y"]
