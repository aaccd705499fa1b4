"""A bundle's user tower and a collection of its items, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from examples.vector_search.collection import fill
from slmrec.runtime import UserTower
from tests.support.bundles import make_bundle


@pytest.fixture(scope="package")
def vector_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 40 items, "i2" to "i41"; never to be changed."""
    return make_bundle(tmp_path_factory.mktemp("vectors") / "bundle")


@pytest.fixture(scope="package")
def tower(vector_bundle: Path) -> UserTower:
    return UserTower(vector_bundle, "cpu", 1)


@pytest.fixture(scope="package")
def filled(tower: UserTower) -> QdrantClient:
    client = QdrantClient(":memory:")
    assert fill(client, tower) == 39  # the retired one is no candidate
    return client
