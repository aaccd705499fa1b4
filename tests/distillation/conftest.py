"""What the tests of distillation share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.teachers import record_teacher


@pytest.fixture(scope="session")
def recorded_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded states of the small teacher."""
    return record_teacher(tmp_path_factory.mktemp("states") / "teacher_states")
