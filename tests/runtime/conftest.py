"""A small bundle for the runtime's tests, which need numpy, onnxruntime and pytest alone.

Only making the bundle needs torch: where that is not installed, SLMREC_TEST_BUNDLE names one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from slmrec.runtime import Recommender


@pytest.fixture(scope="session")
def exported_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 40 items, "i2" to "i41", that reads 6 items of a history; never to be changed."""
    if bundle_dir := os.environ.get("SLMREC_TEST_BUNDLE"):
        return Path(bundle_dir)
    from tests.support.bundles import make_bundle

    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.fixture
def bundle(exported_bundle: Path, tmp_path: Path) -> Path:
    """Such a bundle of the test's own."""
    return Path(shutil.copytree(exported_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def recommender(exported_bundle: Path) -> Recommender:
    """The bundle, loaded on the CPU."""
    return Recommender(exported_bundle, "cpu", 1)
