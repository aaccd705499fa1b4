"""A small bundle, made once for the tests of scoring."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bundles import make_bundle


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 40 items, "i2" to "i41"; never to be changed."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")
