"""One service for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.examples import ASKED, Served, publish, serving


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of a registry that is empty when it starts."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "registry").mkdir()
    with serving(folder / "registry", folder / "printed.txt") as served:
        served.wait_for("/health/live", 200)
        status, code, message = served.error("/health/ready")
        assert (status, code) == (503, "unavailable") and "names no version" in message
        assert served.error("/recommend", ASKED)[:2] == (503, "unavailable")
        publish(folder / "registry", "1.0.0")
        served.wait_for("/health/ready", 200)
        yield served
