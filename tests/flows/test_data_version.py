"""Data versions in a clone: real DVC, the project's cache, and an index that is handed on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows import data_version
from flows.clone import open_clone
from flows.data_version import (
    add_files,
    carry_over,
    check_out,
    contents,
    default_remote,
    log_globs,
    share_cache,
)
from slmrec.core.errors import UnavailableError, UsageError
from tests.support.landing_flow import land, write_landing_flow
from tests.support.project import change, run


def ignored(_line: str) -> None:
    """What DVC prints."""


@pytest.fixture
def project_and_clone(project: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A project and a clone that shares its cache."""
    write_landing_flow(project)
    run(project, "dvc", "remote", "add", "--default", "--local", "store", "../store")
    clone = open_clone(project, tmp_path / "state" / "clone").folder
    share_cache(project, clone)
    return project, clone


def test_a_version_is_the_last_one_what_is_new_and_what_is_carried_over(
    project_and_clone: tuple[Path, Path], tmp_path: Path
) -> None:
    project, clone = project_and_clone
    pin = (clone / "data.dvc").read_text()
    check_out(clone, ignored)
    carry_over(clone, ignored)
    new = land(tmp_path / "new", "day.inter", "u1\ti1\t3\t900000000")
    before = contents(clone)
    add_files(clone, new.parent, ["day.inter"], ignored)
    index = clone / "data" / "index"
    # made of the last version's data, in which there was one file of logs
    assert (index / "items.parquet").read_text() == "small.inter"
    assert (index / "profile.json").read_text() == "{}"
    assert len(before) == 2 and contents(clone) > before
    assert len(contents(clone)) == 5
    assert (clone / "data.dvc").read_text() != pin == (project / "data.dvc").read_text()
    assert not (project / "data" / "day.inter").exists()
    (clone / "data.dvc").write_text(pin)  # as after a run that was killed
    check_out(clone, ignored)
    names = sorted(file.name for file in (clone / "data").iterdir())
    assert names == ["small.inter", "small.item"]


def test_the_cache_is_the_projects_and_is_linked_to(project_and_clone: tuple[Path, Path]) -> None:
    project, clone = project_and_clone
    check_out(clone, ignored)
    assert not (clone / ".dvc" / "cache").exists()
    inodes = {file.stat().st_ino for file in (project / ".dvc" / "cache").rglob("*")}
    assert (clone / "data" / "small.inter").stat().st_ino in inodes
    assert default_remote(clone) == "store"
    run(clone, "dvc", "push")
    assert (project.parent / "store" / "files").is_dir()  # not beside the clone


def test_data_that_the_cache_has_lost_comes_from_the_remote_or_is_named(
    project_and_clone: tuple[Path, Path],
) -> None:
    project, clone = project_and_clone
    run(project, "dvc", "push")
    (project / ".dvc" / "cache").rename(project / "lost")
    check_out(clone, ignored)
    assert (clone / "data" / "small.inter").is_file()
    (project / ".dvc" / "cache").rename(project / "lost as well")
    shutil.rmtree(clone / "data")
    run(project, "dvc", "remote", "remove", "--local", "store")
    share_cache(project, clone)
    with pytest.raises(UnavailableError, match=r"is not in DVC's cache .*; run dvc add data"):
        check_out(clone, ignored)


def test_without_data_there_is_nothing_to_carry_over(
    project_and_clone: tuple[Path, Path],
) -> None:
    _project, clone = project_and_clone
    (clone / "data.dvc").unlink()
    check_out(clone, ignored)
    carry_over(clone, ignored)
    assert contents(clone) == set()
    assert not (clone / "data").exists()


def test_a_pipeline_without_an_index_carries_none(
    project_and_clone: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _project, clone = project_and_clone
    monkeypatch.setattr(data_version, "CARRIED", {Path("artifacts/no/a"): Path("index/a")})
    check_out(clone, ignored)
    carry_over(clone, ignored)
    assert not (clone / "data" / "index").exists()


def test_globs_that_would_read_the_index_as_logs_are_refused(
    project_and_clone: tuple[Path, Path],
) -> None:
    _project, clone = project_and_clone
    assert log_globs(clone) == ["*.inter", "*.item"]
    change(clone / "params.yaml", "prepare.events.files", ["**/*.parquet"])
    with pytest.raises(UsageError, match=r"match data/index/items\.parquet too"):
        log_globs(clone)


def test_a_remote_on_s3_keeps_the_data_and_gives_it_back(
    project_and_clone: tuple[Path, Path], bucket: str
) -> None:
    project, clone = project_and_clone
    run(
        project, "dvc", "remote", "add", "--default", "--force", "--local", "store", f"{bucket}/dvc"
    )
    share_cache(project, clone)
    run(clone, "dvc", "push", "data.dvc")
    (project / ".dvc" / "cache").rename(project / "lost")
    check_out(clone, ignored)
    names = sorted(file.name for file in (clone / "data").iterdir())
    assert names == ["small.inter", "small.item"]
