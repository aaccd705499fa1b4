"""A version knows the commit, the data, the parameters and the packages that it was made from."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmrec.core.files import write_json
from slmrec.registry.made_from import made_from
from tests.support.project import ROOT, git
from tests.support.registries import suited_histories, write_histories, write_params

PIN = "outs:\n- md5: 15d5.dir\n  size: 12\n  nfiles: 2\n  hash: md5\n  path: data\n"


def make(folder: Path) -> Path:
    write_params(folder)
    write_histories(suited_histories(), folder / "histories")
    return folder


def test_where_there_is_neither_git_nor_dvc_both_are_unknown(tmp_path: Path) -> None:
    facts = made_from(make(tmp_path), tmp_path / "histories")
    assert facts["git"] is None
    assert facts["data"] is None
    assert facts["drift"] is None
    assert facts["window"]["method"] == "leave_one_out"
    assert facts["params"]["gate"]["recorded_histories"] == 20
    assert {"slmrec", "python", "numpy", "torch"} <= set(facts["versions"])


def test_drift_is_what_validation_measured(tmp_path: Path) -> None:
    shifts = [{"name": "events a day: ratio", "found": 1.5, "allowed": 3}]
    (make(tmp_path) / "artifacts" / "validation").mkdir(parents=True)
    write_json(tmp_path / "artifacts" / "validation" / "result.json", {"drift": shifts})
    assert made_from(tmp_path, tmp_path / "histories")["drift"] == shifts


def test_the_commit_tells_whether_files_differ_from_it(tmp_path: Path) -> None:
    git(make(tmp_path), "init")
    (tmp_path / "data.dvc").write_text(PIN)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "all")
    facts = made_from(tmp_path, tmp_path / "histories")
    assert len(facts["git"]["commit"]) == 40
    assert facts["git"]["changed_files"] == 0
    assert facts["data"] == {"md5": "15d5.dir", "size": 12, "nfiles": 2}
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "untracked").touch()
    assert made_from(tmp_path, tmp_path / "histories")["git"]["changed_files"] == 1
