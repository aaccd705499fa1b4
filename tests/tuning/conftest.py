"""A small project whose logs are split and whose space is small."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.logs import Workshop
from tests.support.small_pipeline import prepare_small_project
from tests.tuning.support import small_params


@pytest.fixture(scope="session")
def split_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("split")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SLMREC_CACHE", str(folder / "cache"))
        prepare_small_project(Workshop(folder))
    (folder / "artifacts").mkdir()
    for name in ("events", "histories"):
        (folder / name).rename(folder / "artifacts" / name)
    (folder / "params.yaml").write_text(small_params())
    return folder


@pytest.fixture
def project(split_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that the process stands in, without a cache."""
    folder = tmp_path / "project"
    shutil.copytree(split_project, folder, ignore=shutil.ignore_patterns("cache"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLMREC_CACHE", str(folder / "cache"))
    return folder
