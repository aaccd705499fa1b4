"""Bundles to publish: one that suits the newest window, one that suits it less."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.registry.command import publish_bundle
from slmrec.registry.store import Registry
from tests.support.registries import NOISE, small_project


@pytest.fixture(scope="session")
def good_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """artifacts/bundle of a project of its own; made once, never to be changed."""
    return small_project(tmp_path_factory.mktemp("good") / "project")


@pytest.fixture(scope="session")
def worse_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with shaken weights: better than counting, worse than the good one."""
    return small_project(tmp_path_factory.mktemp("worse") / "project", NOISE)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry in which nothing is published yet."""
    return Registry(tmp_path / "registry")


@pytest.fixture(scope="session")
def published(good_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry with the version 1.0.0; made once, never to be changed."""
    folder = tmp_path_factory.mktemp("published")
    registry = Registry(folder / "registry")
    publish_bundle(good_bundle, registry, "champion", None, folder / "reports", None)
    return registry
