"""Fixtures that several files share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from slmrec.core.openmp import wait_passively
from tests.support.logs import Workshop
from tests.support.project import make_project

wait_passively()  # as in slmrec.stages: before a test imports torch

# No test depends on the clock: on a busy machine any example can be slow.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with small logs that data.dvc pins, made once.

    To be copied, never to be changed.
    """
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
    workshop = Workshop(tmp_path)
    workshop.set()
    return workshop


@pytest.fixture(scope="session")
def llm_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny pretrained LLaMA; made once, never to be changed."""
    from tests.support.llm import make_llm

    folder = tmp_path_factory.mktemp("llm")
    make_llm(folder, tuned=True)
    return folder
