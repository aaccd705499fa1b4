"""Figures are shown of the logs in data/ alone, and refused of any others."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import DataError, UsageError
from slmrec.provenance import logs_of_results
from tests.support.project import run


def pinned(project: Path) -> str:
    return str(YAML(typ="safe").load(project / "data.dvc")["outs"][0]["md5"])


def write_lock(project: Path, md5: str) -> None:
    deps = [{"path": "slmrec/core", "md5": "c" * 32}, {"path": "data", "md5": md5}]
    YAML().dump({"stages": {"prepare": {"deps": deps}}}, project / "dvc.lock")


def test_figures_of_the_logs_that_lie_there_are_shown(project: Path) -> None:
    write_lock(project, pinned(project))
    assert pinned(project) in logs_of_results(project)


def test_figures_of_other_logs_are_refused_even_where_nobody_pinned_the_new_ones(
    project: Path,
) -> None:
    write_lock(project, pinned(project))
    (project / "data" / "more.inter").write_text("user_id:token\n")
    with pytest.raises(DataError, match=r"of the logs \w+.dir, but data/ holds \w+.dir"):
        logs_of_results(project)
    shown = run(project, "slmrec.cli", "show", check=False)
    assert shown.returncode == DataError.exit_code
    assert "run make repro" in shown.stderr
    assert "ndcg" not in shown.stdout


def test_a_bundle_without_its_logs_says_what_it_was_measured_on(project: Path) -> None:
    write_lock(project, "a" * 32)
    (project / "data").rename(project / "elsewhere")
    assert "a" * 32 in logs_of_results(project)


def test_without_a_run_there_is_nothing_to_show(project: Path) -> None:
    (project / "dvc.lock").unlink(missing_ok=True)
    with pytest.raises(UsageError, match="nothing was measured"):
        logs_of_results(project)
    YAML().dump({"stages": {}}, project / "dvc.lock")
    with pytest.raises(UsageError, match="names no logs"):
        logs_of_results(project)
