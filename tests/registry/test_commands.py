"""The registry's commands on the command line, as docs/operations.md shows them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, environment


@pytest.fixture
def project(good_bundle: Path, tmp_path: Path) -> Path:
    """The better one's project, in which a command is typed."""
    return Path(shutil.copytree(good_bundle.parents[1], tmp_path / "project"))


def slmrec(project: Path, *words: str, code: int = 0) -> str:
    """Run a command in the project; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "slmrec.cli", *words],
        cwd=project,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == code, printed
    assert "Traceback" not in printed
    return printed


@pytest.mark.acceptance
def test_the_commands_of_the_page_in_their_order(project: Path, worse_bundle: Path) -> None:
    assert "holds no version yet" in slmrec(project, "versions")
    worse = str(worse_bundle)
    assert "1.0.0 serves (first)" in slmrec(project, "publish", worse)
    assert "nothing was, as asked" in slmrec(project, "publish", "--dry-run")
    assert "1.0.1 serves in place of 1.0.0" in slmrec(project, "publish")
    kept = slmrec(project, "publish", worse, code=9)
    assert "slmrec: the challenger is not published: kept the champion 1.0.1" in kept
    assert (project / "reports" / "gate.html").is_file()
    assert "* 1.0.1" in slmrec(project, "versions")
    assert "the same contract and item ids" in slmrec(project, "compare", "1.0.0", "current")
    assert slmrec(project, "rollback") == "1.0.0 serves, in place of 1.0.1\n"
    assert (project / ".state" / "registry" / "current").readlink() == Path("1.0.0")
    assert slmrec(project, "rollback", "1.0.1") == "1.0.1 serves, in place of 1.0.0\n"
    pushed = slmrec(project, "push", "current", "--to", "folder", "--folder", "hub")
    assert pushed == "1.0.1 is in hub/1.0.1\n"


def test_what_is_wrong_is_one_line_and_a_code(project: Path, tmp_path: Path) -> None:
    elsewhere = ["--registry", str(tmp_path / "elsewhere")]
    assert "holds no version that" in slmrec(project, "rollback", *elsewhere, code=2)
    assert "has no version 9.9.9" in slmrec(project, "rollback", "9.9.9", *elsewhere, code=2)
    assert "has no version 1.0.0" in slmrec(project, "compare", "1.0.0", "current", code=2)
    assert "has no version current" in slmrec(project, "push", "current", "--to", "hf", code=2)
    assert "is no bundle" in slmrec(project, "publish", "artifacts/histories", code=6)
    assert not (tmp_path / "elsewhere").exists()
