"""`slmrec score` and `slmrec embed` on the command line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from slmrec.core import installed
from slmrec.scoring.commands import remarks
from slmrec.scoring.part import Counts
from tests.runtime.bundle_edits import without_graph
from tests.support.project import ROOT, run
from tests.support.scored import walks, write_histories, written_rows


def test_histories_become_lists_and_oddities_are_said(small_bundle: Path, tmp_path: Path) -> None:
    histories = write_histories(tmp_path / "h.parquet", walks(1300))
    words = ["score", str(small_bundle), str(histories), str(tmp_path / "out"), "-k", "3"]
    options = ["--processes", "2", "--part-users", "1024"]
    process = run(ROOT, "slmrec.cli", *words, *options)
    assert process.stdout.splitlines() == [f"{tmp_path / 'out'} holds the lists of 1,300 users"]
    assert process.stderr.splitlines() == [
        "slmrec: 13 of 7,813 ids are not in this bundle's item table, the first is 'nowhere'; "
        "read as the unknown item",
        # users 0, 13, 26 ... but for 299, which has an unknown item
        "slmrec: 99 histories are empty; the bundle's contract says what answers them",
    ]
    assert {len(row["items"]) for row in written_rows(tmp_path / "out")} == {3}
    again = run(ROOT, "slmrec.cli", *words, *options)
    assert "score: 2 of 2 parts are there already" in again.stdout
    assert again.stderr == process.stderr  # what was lost is said again
    refused = run(ROOT, "slmrec.cli", *words[:-1], "4", *options, check=False)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "holds a run with k 3, this one has 4" in refused.stderr


def test_histories_become_vectors_and_oddities_are_said(small_bundle: Path, tmp_path: Path) -> None:
    histories = write_histories(tmp_path / "h.parquet", walks(1300))
    words = ["embed", str(small_bundle), str(histories), str(tmp_path / "out")]
    process = run(ROOT, "slmrec.cli", *words, "--processes", "2", "--part-users", "1024")
    assert process.stdout.splitlines() == [f"{tmp_path / 'out'} holds the vectors of 1,300 users"]
    assert len(process.stderr.splitlines()) == 2  # unknown ids and empty histories
    rows = written_rows(tmp_path / "out")
    assert list(rows[0]) == ["user", "vector", "unknown_items"]
    assert sum(row["unknown_items"] for row in rows) == 13
    scored = run(ROOT, "slmrec.cli", "score", *words[1:], "--part-users", "1024", check=False)
    assert scored.returncode == 2
    assert 'holds a run with command "embed", this one has "score"' in scored.stderr


def test_a_bundle_without_a_user_tower_is_one_line(small_bundle: Path, tmp_path: Path) -> None:
    bundle = without_graph(Path(shutil.copytree(small_bundle, tmp_path / "bundle")), "user_tower")
    histories = write_histories(tmp_path / "h.parquet", walks(5))
    words = ["embed", str(bundle), str(histories), str(tmp_path / "out")]
    refused = run(ROOT, "slmrec.cli", *words, check=False)
    assert refused.returncode == 6
    assert len(refused.stderr.splitlines()) == 1
    assert "add it to export_onnx.graphs" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_odd_is_nothing_said() -> None:
    assert remarks(Counts(users=5, ids=9), 10) == []
    assert remarks(Counts(users=5, short_lists=1), 10) == [
        "1 lists have fewer than 10 items: no more candidates were left"
    ]


def test_without_pyarrow_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slmrec import cli

    monkeypatch.setattr(
        installed, "find_spec", lambda name: None if name == "pyarrow" else object()
    )
    monkeypatch.setattr(sys, "argv", ["slmrec", "score", "bundle", "histories", "out"])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    assert ending.value.code == 8
    assert "pyarrow not installed; this command needs the extra batch" in capsys.readouterr().err
