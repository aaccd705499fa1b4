"""A bundle of random weights is as whole as a trained one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.random_bundle import LENGTH, write_random_bundle
from slmrec.runtime import Recommender, verify


@pytest.mark.acceptance
def test_it_is_verified_and_recommends(tmp_path: Path) -> None:
    bundle = write_random_bundle(tmp_path / "bundle", 30)
    assert verify(bundle, "cpu", 1).cases == 10
    recommender = Recommender.load(bundle, "cpu", 1)
    assert (recommender.largest_k, recommender.contract["max_length"]) == (30, LENGTH)
    assert len(recommender.recommend([["i0", "i29"]], 28)[0]) == 28
