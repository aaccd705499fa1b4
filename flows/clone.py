"""The flow's own clone of the project: code of the project, data and results of its own branch.

The project itself is only read. A run that ends early leaves neither a commit nor a tag.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from flows.cuts import PARAMS
from flows.git_commands import ensure_author, git, is_ancestor, object_at
from slmrec.core.errors import UsageError
from slmrec.core.files import new_folder

BRANCH = "retrain"
HEAD = f"refs/heads/{BRANCH}"
RECORDS = "versions"  # VERSION.json: the registry's record of each version
OWN = ("data.dvc", "dvc.lock", "metrics", RECORDS)  # what the branch has of its own
TAGS = "refs/tags/slmrec@v"


@dataclass(frozen=True)
class Clone:
    """The clone, as the run finds it."""

    project: Path
    folder: Path
    commit: str  # of the project, whose code is used
    tip: str | None  # of the branch; None before the first version


def open_clone(project: Path, folder: Path) -> Clone:
    """Make the clone or bring it up to date with the project's HEAD; what a run left is undone.

    Raises UsageError where the project has no commit, or its data.dvc and the branch's went
    different ways.
    """
    commit = _commit_of(project)
    if not folder.is_dir():
        with new_folder(folder) as temporary:
            git(project, "clone", "--quiet", "--no-checkout", "--no-tags", ".", str(temporary))
    _remove_locks(folder)
    git(folder, "fetch", "--quiet", "--no-tags", str(project.absolute()), "HEAD")
    ensure_author(folder)
    git(folder, "checkout", "--quiet", "--force", "--detach", commit)
    git(folder, "clean", "--quiet", "--force", "-d")
    clone = Clone(project, folder, commit, object_at(folder, HEAD))
    if clone.tip and _data_is_of_branch(clone, clone.tip):
        _take_own(folder, clone.tip)
    return clone


def _remove_locks(folder: Path) -> None:
    """Remove the lock files of git and DVC, which stay where a process was killed.

    The caller holds the retraining's own lock: nobody else works in the clone.
    """
    for left in (folder / ".git").rglob("*.lock"):
        left.unlink()
    (folder / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)  # process ids, used again by now


def _commit_of(project: Path) -> str:
    if (commit := object_at(project, "HEAD^{commit}")) is None:
        raise UsageError(
            "the project has no git commit; retraining works on a clone: git init, git add, commit"
        )
    if git(project, "rev-parse", "--show-prefix"):
        raise UsageError("the project is a folder within a git repository, expected to be its root")
    return commit


def _data_is_of_branch(clone: Clone, tip: str) -> bool:
    """Whether the branch's data.dvc is newer than the project's, and not the other way round."""
    fork = git(clone.folder, "merge-base", clone.commit, tip)
    ours, theirs, before = (
        object_at(clone.folder, f"{commit}:data.dvc") for commit in (tip, clone.commit, fork)
    )
    if theirs in (ours, before):
        return True
    if ours == before:
        return False
    raise UsageError(
        f"data.dvc was changed both in the project and on the branch {BRANCH} of {clone.folder}; "
        f"fetch that branch and merge it into the project's, keeping one data.dvc"
    )


def _take_own(folder: Path, tip: str) -> None:
    there = [path for path in OWN if object_at(folder, f"{tip}:{path}")]
    git(folder, "checkout", tip, "--", *there)


def commit_version(clone: Clone, version: str, record: Path, message: str) -> str:
    """Commit data, results and the version's record to the branch, and tag it, in one step.

    A version that has its tag already, since new data made the very same bundle, keeps it. Returns
    the commit.
    """
    folder = clone.folder
    target = folder / RECORDS / f"{version}.json"
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(record, target)
    git(folder, "add", "--force", "--", *(path for path in OWN if (folder / path).exists()))
    parents = [word for parent in _parents(clone) for word in ("-p", parent)]
    commit = _commit_index(folder, parents, message)
    changes = [f"update {HEAD} {commit} {clone.tip or '0' * len(commit)}"]
    if object_at(folder, f"{TAGS}{version}") is None:
        tagged = _with_settings(folder, commit, message)
        changes.append(f"create {TAGS}{version} {_tag(folder, tagged, version, message)}")
    git(folder, "update-ref", "--stdin", given="\n".join(changes) + "\n")
    return commit


def _commit_index(folder: Path, parents: list[str], message: str) -> str:
    tree = git(folder, "write-tree")
    return git(folder, "commit-tree", tree, *parents, "-m", message)


def _with_settings(folder: Path, commit: str, message: str) -> str:
    """The commit that a version's tag names: where the run changed settings, one more with them.

    So the tag reproduces the version, and the branch, which later runs and people go on from, has
    the project's own settings.
    """
    git(folder, "add", "--update", "--", PARAMS)
    if not git(folder, "diff", "--cached", "--name-only", commit):
        return commit
    return _commit_index(folder, ["-p", commit], message)


def _parents(clone: Clone) -> list[str]:
    if clone.tip is None or is_ancestor(clone.folder, clone.tip, clone.commit):
        return [clone.commit]
    if is_ancestor(clone.folder, clone.commit, clone.tip):
        return [clone.tip]
    return [clone.tip, clone.commit]


def _tag(folder: Path, commit: str, version: str, message: str) -> str:
    """An annotated tag, as `git tag` makes it, that no name points to yet."""
    lines = [
        f"object {commit}",
        "type commit",
        f"tag {TAGS.removeprefix('refs/tags/')}{version}",
        f"tagger {git(folder, 'var', 'GIT_COMMITTER_IDENT')}",
        "",
        message,
    ]
    return git(folder, "mktag", given="\n".join(lines) + "\n")


def remote_of(project: Path) -> str | None:
    """Where the project pushes to: the URL or path of its remote `origin`, if it has one."""
    if "origin" not in git(project, "remote").splitlines():
        return None
    url = git(project, "remote", "get-url", "--push", "origin")
    beside = project / url
    return str(beside.absolute()) if beside.exists() else url  # a path may be relative to it


def push_command(remote: str) -> list[str]:
    """Push the branch and every version's tag, all or nothing."""
    tags = f"{TAGS}*:{TAGS}*"
    return ["git", "push", "--quiet", "--atomic", remote, f"{HEAD}:{HEAD}", tags]
