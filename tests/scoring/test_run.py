"""A run goes on where it stopped, and refuses to mix with another."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from slmrec.core.errors import BundleError, BusyError, DataError, UsageError
from slmrec.core.locks import lock
from slmrec.runtime import Recommender, UserTower
from slmrec.scoring import run as running
from slmrec.scoring import workers
from slmrec.scoring.lists import Lists
from slmrec.scoring.run import SETTINGS, SUMMARY, Asked, run
from slmrec.scoring.vectors import Vectors
from tests.runtime.bundle_edits import without_graph
from tests.support.project import ROOT, environment
from tests.support.scored import walks, write_histories, written_parts, written_rows
from tests.support.waiting import has_ended, wait_until

USERS = 2500


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_histories(tmp_path_factory.mktemp("histories") / "h.parquet", walks(USERS))


@pytest.fixture
def asked(small_bundle: Path, histories: Path, tmp_path: Path) -> Asked:
    return Asked(small_bundle, histories, tmp_path / "out", Lists(5, None), 1024, "cpu")


def test_all_users_are_answered_in_their_order(asked: Asked) -> None:
    counts = run(asked, 1)
    rows = written_rows(asked.out)
    assert [row["user"] for row in rows] == [f"u{user}" for user in range(USERS)]
    assert list(written_parts(asked.out)) == [f"part-00000{part}.parquet" for part in range(3)]
    expected = Recommender(asked.bundle, "cpu", 1).recommend(walks(USERS), 5, unknown="ignore")
    assert [row["items"] for row in rows] == [[item.item for item in best] for best in expected]
    empty = sum(not items for items in walks(USERS))
    assert (counts.users, counts.unknown_ids, counts.empty_histories) == (USERS, 25, empty)
    assert json.loads((asked.out / SUMMARY).read_text())["unknown_ids"] == 25


def test_rows_are_the_same_to_the_bit_however_all_is_cut(asked: Asked, tmp_path: Path) -> None:
    run(asked, 1)
    lists = walks(USERS)
    for first, name in ((0, "a"), (1500, "b")):
        file = tmp_path / "cut" / f"{name}.parquet"
        write_histories(file, lists[first : first + 1500], first, rows_of_group=100 + first)
    large = replace(asked, histories=tmp_path / "cut", out=tmp_path / "large", part_users=2048)
    run(large, 1)
    assert len(written_parts(large.out)) == 2
    assert written_rows(large.out) == written_rows(asked.out)
    again = replace(asked, histories=tmp_path / "cut", out=tmp_path / "again")
    run(again, 2)
    assert written_rows(again.out) == written_rows(asked.out)


def test_vectors_are_the_same_to_the_bit_however_all_is_cut(asked: Asked, tmp_path: Path) -> None:
    asked = replace(asked, task=Vectors())
    assert run(asked, 1).unknown_ids == 25
    twice = replace(asked, out=tmp_path / "twice")
    run(twice, 2)
    assert written_parts(twice.out) == written_parts(asked.out)
    large = replace(asked, out=tmp_path / "large", part_users=2048)
    run(large, 1)
    assert written_rows(large.out) == written_rows(asked.out)
    lost = sorted(asked.out.glob("part-*"))[1]
    before = lost.read_bytes()
    lost.unlink()
    run(asked, 1)  # goes on with what is missing
    assert lost.read_bytes() == before
    expected = UserTower(asked.bundle, "cpu", 1).embed(walks(USERS)[:1024], unknown="ignore")
    assert [row["vector"] for row in written_rows(asked.out)[:1024]] == expected.vectors.tolist()


def test_no_folder_is_made_for_a_bundle_without_a_user_tower(asked: Asked, tmp_path: Path) -> None:
    bundle = without_graph(Path(shutil.copytree(asked.bundle, tmp_path / "bundle")), "user_tower")
    with pytest.raises(BundleError, match=r"no graph user_tower, .* add it to export_onnx\.graphs"):
        run(replace(asked, bundle=bundle, task=Vectors()), 1)
    assert not asked.out.exists()


def test_a_run_that_failed_goes_on_and_ends_with_the_same_bytes(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(asked, out=tmp_path / "whole")
    run(whole, 1)
    write_part = workers.write_part

    def full(file: Path, *arguments: object) -> None:
        if "000001" in file.name:
            raise OSError(28, "No space left on device", str(file))
        write_part(file, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "write_part", full)
    with pytest.raises(OSError, match="No space left"):
        run(asked, 1)
    assert list(written_parts(asked.out)) == ["part-000000.parquet"]
    assert not (asked.out / SUMMARY).exists()
    before = (asked.out / "part-000000.parquet").stat()
    monkeypatch.setattr(workers, "write_part", write_part)
    run(asked, 1)
    assert written_parts(asked.out) == written_parts(whole.out)
    assert (asked.out / SUMMARY).read_bytes() == (whole.out / SUMMARY).read_bytes()
    assert (asked.out / "part-000000.parquet").stat() == before  # not written anew


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": Lists(6, None)}, "holds a run with k 5, this one has 6"),
        ({"task": Lists(5, False)}, "holds a run with exclude_seen true, this one has false"),
        ({"task": Vectors()}, 'holds a run with command "score", this one has "embed"'),
        ({"part_users": 2048}, "holds a run with part_users 1024, this one has 2048"),
    ],
)
def test_other_settings_are_refused(asked: Asked, change: dict[str, Any], message: str) -> None:
    run(asked, 1)
    before = written_parts(asked.out)
    with pytest.raises(UsageError, match=message):
        run(replace(asked, **change), 1)
    assert written_parts(asked.out) == before


def test_other_histories_and_another_bundle_are_refused(asked: Asked, tmp_path: Path) -> None:
    run(asked, 1)
    other = write_histories(tmp_path / "other.parquet", walks(USERS)[::-1])
    with pytest.raises(UsageError, match="holds a run with histories"):
        run(replace(asked, histories=other), 1)
    bundle = Path(shutil.copytree(asked.bundle, tmp_path / "bundle"))
    run(replace(asked, bundle=bundle), 1)  # the same, elsewhere
    (bundle / "MODEL_CARD.md").write_text("Another card.\n")
    (bundle / "MANIFEST.sha256").unlink()
    from slmrec.runtime.bundle import write_manifest

    write_manifest(bundle)
    with pytest.raises(UsageError, match="holds a run with bundle_sha256"):
        run(replace(asked, bundle=bundle), 1)


def test_what_is_not_a_runs_folder_is_refused(asked: Asked, tmp_path: Path) -> None:
    asked.out.mkdir()
    (asked.out / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds 'thesis\.txt' and no _settings\.json"):
        run(asked, 1)
    with pytest.raises(UsageError, match="is a file"):
        run(replace(asked, out=asked.out / "thesis.txt"), 1)
    with pytest.raises(UsageError, match="whose files would be read"):
        run(replace(asked, histories=tmp_path, out=tmp_path / "lists"), 1)
    with pytest.raises(UsageError, match="give a multiple of 1,024"):
        run(replace(asked, part_users=1000), 1)
    with pytest.raises(UsageError, match="k is 40"):
        run(replace(asked, task=Lists(40, None), out=tmp_path / "new"), 1)
    assert not (tmp_path / "new").exists()


def test_a_part_that_lost_rows_is_found(asked: Asked) -> None:
    run(asked, 1)
    parts = sorted(asked.out.glob("part-*"))
    shutil.copy(parts[2], parts[1])
    with pytest.raises(DataError, match=r"part-000001\.parquet has 452 rows, expected 1,024"):
        run(asked, 1)


def test_no_users_are_no_parts(asked: Asked, tmp_path: Path) -> None:
    empty = write_histories(tmp_path / "empty.parquet", [])
    assert run(replace(asked, histories=empty), 2).users == 0
    assert written_parts(asked.out) == {}


def test_two_runs_into_one_folder_are_refused(asked: Asked) -> None:
    (asked.out / running.LOCKS).mkdir(parents=True)
    with (
        lock(running.WRITER, folder=asked.out / running.LOCKS),
        pytest.raises(BusyError, match="score-or-embed is already running"),
    ):
        run(asked, 1)
    assert not (asked.out / SETTINGS).exists()


@pytest.mark.acceptance
def test_a_killed_run_leaves_no_process_and_no_half_part_and_goes_on(
    asked: Asked, tmp_path: Path
) -> None:
    large = write_histories(tmp_path / "large.parquet", walks(60_000))
    asked = replace(asked, histories=large)
    options = ["-k", "5", "--part-users", "1024", "--processes", "2"]
    paths = [str(path) for path in (asked.bundle, asked.histories, asked.out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "slmrec.cli", "score", *paths, *options],
        cwd=ROOT, env={**environment(), "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: len(written_parts(asked.out)) >= 2)
    children = psutil.Process(process.pid).children()
    assert len(children) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: all(map(has_ended, children)))
    stopped = written_parts(asked.out)
    assert len(stopped) < 59
    run(asked, 2)
    finished = written_parts(asked.out)
    whole = replace(asked, out=tmp_path / "whole")
    run(whole, 1)
    assert finished == written_parts(whole.out)
    assert stopped.items() <= finished.items()
    assert {entry.name for entry in asked.out.iterdir() if entry.name.startswith(".")} == set()
