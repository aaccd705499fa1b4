"""Fixtures that several files share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.logs import Workshop
from tests.support.project import make_project

# As the Makefile does: it must be set before torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with small logs that data.dvc pins; made once, to be copied, never to be changed."""
    return make_project(tmp_path_factory.mktemp("pristine") / "project")


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Path:
    """Such a project of the test's own."""
    return Path(shutil.copytree(pristine, tmp_path / "project"))


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server that lives as long as the tests do."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=240):
        yield


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """An empty folder with params.yaml, in which prepare and split can run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    made = Workshop(tmp_path)
    made.set()
    return made
