"""The flow's clone: the project's code with the branch's data, and one step from run to commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.clone import Clone, commit_version, open_clone, push_command, remote_of
from flows.git_commands import git, object_at
from slmrec.core.errors import UsageError
from tests.support import project as support


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of four files, committed."""
    folder = tmp_path / "small"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, code="1", **{"data.dvc": "pin 1", ".gitignore": "/data\n", "params.yaml": "1"})
    return folder


def commit(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    support.git(folder, "add", ".")
    support.git(folder, "commit", "--message", "change")


def published(clone: Clone, pin: str, version: str = "1.0.0") -> str:
    """Commit a version with other data."""
    (clone.folder / "data.dvc").write_text(pin)
    (clone.folder / "metrics").mkdir(exist_ok=True)
    (clone.folder / "metrics" / "evaluation.json").write_text(pin)
    record = clone.folder.with_name("record.json")
    record.write_text(f"record of {version}")
    return commit_version(clone, version, record, f"slmrec {version}\n\nall rules hold")


def read(clone: Clone, name: str) -> str:
    return (clone.folder / name).read_text()


def test_what_a_run_left_is_undone(small: Path, tmp_path: Path) -> None:
    clone = open_clone(small, tmp_path / "state" / "clone")
    (clone.folder / "code").write_text("changed")
    (clone.folder / "left").write_text("by a run that was killed")
    (clone.folder / "data").mkdir()
    git(clone.folder, "add", "code")
    clone = open_clone(small, clone.folder)
    assert (read(clone, "code"), read(clone, "data.dvc"), clone.tip) == ("1", "pin 1", None)
    assert not (clone.folder / "left").exists()
    assert (clone.folder / "data").is_dir()  # ignored: DVC sees to it
    assert git(small, "status", "--porcelain") == ""


def test_a_version_is_committed_on_its_branch_and_tagged(small: Path, tmp_path: Path) -> None:
    clone = open_clone(small, tmp_path / "clone")
    made = published(clone, "pin 2")
    assert object_at(clone.folder, "retrain") == made
    assert object_at(clone.folder, "slmrec@v1.0.0^{commit}") == made
    assert git(clone.folder, "cat-file", "-t", "slmrec@v1.0.0") == "tag"
    assert git(clone.folder, "show", f"{made}:versions/1.0.0.json") == "record of 1.0.0"
    assert object_at(clone.folder, f"{made}^") == object_at(small, "HEAD")
    assert object_at(small, "retrain") is None


def test_settings_that_the_run_changed_are_the_versions_and_not_the_branchs(
    small: Path, tmp_path: Path
) -> None:
    clone = open_clone(small, tmp_path / "clone")
    (clone.folder / "params.yaml").write_text("2")
    made = published(clone, "pin 2")
    assert object_at(clone.folder, "retrain") == made
    assert object_at(clone.folder, "slmrec@v1.0.0^{commit}^") == made
    assert git(clone.folder, "show", f"{made}:params.yaml") == "1"
    assert git(clone.folder, "show", "slmrec@v1.0.0:params.yaml") == "2"
    assert git(clone.folder, "show", "slmrec@v1.0.0:data.dvc") == "pin 2"
    assert read(open_clone(small, tmp_path / "clone"), "params.yaml") == "1"


def test_the_next_run_has_the_branchs_data_and_the_projects_code(
    small: Path, tmp_path: Path
) -> None:
    first = published(open_clone(small, tmp_path / "clone"), "pin 2")
    commit(small, code="2")
    clone = open_clone(small, tmp_path / "clone")
    assert (read(clone, "code"), read(clone, "data.dvc")) == ("2", "pin 2")
    assert read(clone, "metrics/evaluation.json") == "pin 2"
    second = published(clone, "pin 3", "1.0.1")
    parents = git(clone.folder, "rev-parse", f"{second}^@").split()
    assert parents == [first, git(small, "rev-parse", "HEAD")]
    clone = open_clone(small, tmp_path / "clone")
    third = published(clone, "pin 4", "1.0.2")  # the project has nothing new: no merge
    assert git(clone.folder, "rev-parse", f"{third}^@") == second


def test_data_that_the_project_changed_on_top_of_the_branch_is_taken(
    small: Path, tmp_path: Path
) -> None:
    made = published(open_clone(small, tmp_path / "clone"), "pin 2")
    git(small, "fetch", "--quiet", str(tmp_path / "clone"), "retrain")
    support.git(small, "merge", "--quiet", made)
    commit(small, **{"data.dvc": "pin of a person"})
    assert read(open_clone(small, tmp_path / "clone"), "data.dvc") == "pin of a person"


def test_data_that_was_changed_on_both_sides_is_named(small: Path, tmp_path: Path) -> None:
    published(open_clone(small, tmp_path / "clone"), "pin 2")
    commit(small, **{"data.dvc": "pin of a person"})
    with pytest.raises(UsageError, match=r"data\.dvc was changed both in the project and on"):
        open_clone(small, tmp_path / "clone")


def test_a_version_that_has_its_tag_keeps_it(small: Path, tmp_path: Path) -> None:
    first = published(open_clone(small, tmp_path / "clone"), "pin 2")
    second = published(open_clone(small, tmp_path / "clone"), "pin 3")
    assert object_at(tmp_path / "clone", "slmrec@v1.0.0^{commit}") == first
    assert object_at(tmp_path / "clone", "retrain") == second


@pytest.mark.parametrize("inside", [False, True])
def test_a_project_that_cannot_be_cloned_is_named(small: Path, inside: bool) -> None:
    project = small / "below"
    project.mkdir()
    if not inside:
        git(project, "init", "--quiet")
    with pytest.raises(UsageError, match=r"expected to be its root|has no git commit"):
        open_clone(project, small / "clone")


def test_branch_and_tags_are_pushed_to_where_the_project_pushes(
    small: Path, tmp_path: Path
) -> None:
    assert remote_of(small) is None
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(small, "remote", "add", "origin", "../remote.git")
    remote = remote_of(small)
    assert remote is not None
    made = published(open_clone(small, tmp_path / "clone"), "pin 2")
    git(tmp_path / "clone", *push_command(remote)[1:])
    assert object_at(tmp_path / "remote.git", "retrain") == made
    assert object_at(tmp_path / "remote.git", "slmrec@v1.0.0^{commit}") == made
    assert object_at(small, "retrain") is None
    git(small, "remote", "set-url", "origin", "https://example.org/logs.git")
    assert remote_of(small) == "https://example.org/logs.git"


def test_locks_that_a_killed_run_left_stop_no_later_one(small: Path, tmp_path: Path) -> None:
    clone = open_clone(small, tmp_path / "state" / "clone")
    published(clone, "pin 2")
    left = [clone.folder / ".git" / name for name in ("index.lock", "HEAD.lock", "config.lock")]
    left.append(clone.folder / ".git" / "refs" / "heads" / "retrain.lock")
    left.append(clone.folder / ".dvc" / "tmp" / "rwlock")
    left[-1].parent.mkdir(parents=True, exist_ok=True)
    for file in left:
        file.write_text("")
    again = open_clone(small, clone.folder)
    assert not any(file.exists() for file in left)
    published(again, "pin 3", "1.0.1")
