"""Temporary folders of killed processes go, those of living ones stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slmrec.core.scratch import remove_abandoned, scratch_folder
from tests.support.project import ROOT

OWNER = """
import sys, time
from pathlib import Path
from slmrec.core.files import new_file, new_folder
with new_folder(Path(sys.argv[1], "teacher")) as folder, new_file(Path(sys.argv[1], "a")) as file:
    file.write_text("half")
    print(folder.name, file.parent.name, flush=True)
    time.sleep(600)
"""


def test_what_a_process_writes_stays_while_it_lives_and_goes_when_it_was_killed(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        names = owner.stdout.readline().split()
        assert remove_abandoned([tmp_path], tmp_path / "cache") == []
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
        owner.kill()
    removed = remove_abandoned([tmp_path], tmp_path / "cache")
    assert sorted(path.name for path in removed) == sorted(names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", [".teacher.12.tmp", ".metrics.json.12.0123abcd.tmp"], ids=["before-locks", "now"]
)
def test_leftovers_are_found_beside_outputs_and_anywhere_in_the_cache(
    name: str, tmp_path: Path
) -> None:
    deep = tmp_path / "cache" / "prepare" / "chunks"
    for folder in (tmp_path, deep):
        (folder / name).mkdir(parents=True)
    assert remove_abandoned([tmp_path], tmp_path / "cache") == [tmp_path / name, deep / name]


def test_a_file_from_before_there_were_locks_is_removed_too(tmp_path: Path) -> None:
    (tmp_path / ".out.json.12.tmp").write_text("half")
    remove_abandoned([tmp_path, tmp_path / "absent"], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["teacher", ".hidden.tmp", "a.12.tmp", ".a.12.tmp.json", ".a.tmp"])
def test_nothing_else_is_touched(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    assert remove_abandoned([tmp_path], tmp_path) == []


def test_a_scratch_folder_lies_beside_its_target_and_goes_with_the_block(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "below" / "out") as first, scratch_folder(first / "in") as inner:
        assert (first.parent, inner.parent) == (tmp_path / "below", first)
    assert list((tmp_path / "below").iterdir()) == []
