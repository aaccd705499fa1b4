"""git as a command: answers, and errors of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.git_commands import ensure_author, git, is_ancestor, object_at
from slmrec.core.errors import UnavailableError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, on a machine that knows no author."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "none"))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME", raising=False)
        monkeypatch.delenv(f"GIT_{name}_EMAIL", raising=False)
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    ensure_author(folder)
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    return folder


def test_an_author_is_there_even_where_the_machine_has_none(repository: Path) -> None:
    assert git(repository, "log", "--format=%an") == "slmrec retrain"
    git(repository, "config", "user.name", "A person")
    ensure_author(repository)
    assert git(repository, "config", "user.name") == "A person"


def test_what_it_is_given_is_read(repository: Path) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given="text")
    assert git(repository, "cat-file", "blob", blob) == "text"


def test_objects_are_found_or_none(repository: Path) -> None:
    assert object_at(repository, "HEAD") == git(repository, "rev-parse", "HEAD")
    assert object_at(repository, "HEAD:none") is None


def test_ancestors(repository: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert is_ancestor(repository, "HEAD~1", "HEAD")
    assert not is_ancestor(repository, "HEAD", "HEAD~1")


def test_a_failure_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"git log failed in .*: fatal: ") as failed:
        git(tmp_path / "none", "log")
    assert "\n" not in str(failed.value)


def test_a_machine_without_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="git is not installed"):
        git(tmp_path, "log")
