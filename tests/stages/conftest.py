"""A small project whose training stages have run, once for all tests of stages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.logs import Workshop
from tests.support.small_pipeline import prepare_small_project, train_small_project


@pytest.fixture(scope="session")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SLMREC_CACHE", str(folder / "cache"))
        prepare_small_project(Workshop(folder))
        train_small_project()
    return folder


@pytest.fixture
def trained(trained_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project that the process stands in, without a cache."""
    folder = tmp_path / "trained"
    shutil.copytree(trained_project, folder, ignore=shutil.ignore_patterns("cache"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLMREC_CACHE", str(folder / "cache"))
    return folder
