"""The catalogue is enlarged as it is said to be, and figures have the shapes they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.neighbour_cost import student
from benchmarks.random_bundle import write_bundle_of
from benchmarks.two_stage import enlarged, measure, nearest_distance, real_histories
from slmrec.core.vocabulary import FIRST_ITEM
from tests.support.histories import ring_histories


def test_distances_are_to_the_nearest_other() -> None:
    vectors = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert nearest_distance(vectors).tolist() == pytest.approx([1.0, 18**0.5, 1.0])


def test_copies_lie_as_far_from_their_item_as_its_nearest_neighbour_did() -> None:
    model = student(20, 8)
    own = model.item_embedding.folded().detach()[FIRST_ITEM:].clone()
    larger = enlarged(model, 50).item_embedding.folded().detach()[FIRST_ITEM:]
    assert len(larger) == 50
    torch.testing.assert_close(larger[:20], own)
    moved = (larger[20:40] - own).norm(dim=1)
    torch.testing.assert_close(moved, nearest_distance(own), rtol=1e-4, atol=1e-5)


def test_histories_stay_within_the_table() -> None:
    items = real_histories(ring_histories(30, 20, 6), 10, 12, 6)
    assert items.shape == (10, 6)
    assert items.max() < 12 and items.min() >= 0


@pytest.mark.acceptance  # an export takes seconds
def test_both_ways_are_measured_and_agree(tmp_path: Path) -> None:
    bundle = write_bundle_of(enlarged(student(20, 8), 60), tmp_path / "bundle", ["user_tower"])
    history = np.random.default_rng(1).integers(FIRST_ITEM, 62, (40, 9))
    found = measure(bundle, history, 5)
    assert found["recall"] == found["lowest_recall"] == 1.0
    for figures in found["milliseconds"].values():
        ratio = figures["graph"] / figures["two_stage"]
        assert figures["times_as_fast"] == pytest.approx(ratio)
