"""A project with a pipeline of three quick stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.small_flow import write_small_flow


@pytest.fixture
def small(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, entered."""
    write_small_flow(project)
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)
    return project
