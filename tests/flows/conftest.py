"""A project with a pipeline of three quick stages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs

from flows.git_commands import git
from tests.support.landing_flow import write_landing_flow
from tests.support.project import ROOT, run
from tests.support.s3 import BUCKET, start_s3
from tests.support.small_flow import write_small_flow


@pytest.fixture
def small(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, entered."""
    write_small_flow(project)
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)
    return project


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket on a server that speaks S3."""
    server = start_s3(monkeypatch)
    s3fs.S3FileSystem.clear_instance_cache()  # connections of an earlier server
    try:
        yield f"s3://{BUCKET}"
    finally:
        server.stop()


@pytest.fixture
def landing(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder of a project with remotes, which the process has entered."""
    shutil.copytree(ROOT / "flows", project / "flows", dirs_exist_ok=True)
    folder = write_landing_flow(project)
    git(project.parent, "init", "--quiet", "--bare", "remote.git")
    git(project, "remote", "add", "origin", "../remote.git")
    run(project, "dvc", "remote", "add", "--default", "--local", "store", "../store")
    monkeypatch.chdir(project)
    for name in ("SLMREC_CACHE", "SLMREC_STATE"):
        monkeypatch.delenv(name, raising=False)
    return folder
