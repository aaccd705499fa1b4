"""What several tests of benchmarks share."""

from __future__ import annotations

import pytest

from tests.support.small_seeds import SmallSeeds


@pytest.fixture(scope="session")
def small_seeds(tmp_path_factory: pytest.TempPathFactory) -> SmallSeeds:
    """Seeds 1 and 2 on tiny logs, made once; never to be changed."""
    seeds = SmallSeeds(tmp_path_factory.mktemp("small-seeds"))
    for seed in (1, 2):
        seeds.run(seed)
    return seeds
