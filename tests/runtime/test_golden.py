"""Golden cases cover what goes wrong elsewhere, and stay small."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from slmrec.core.vocabulary import PAD
from slmrec.runtime import Recommender
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import GraphInput, golden_inputs, spread_of
from tests.runtime.bundle_edits import golden_arrays


def test_golden_cases_cover_what_goes_wrong_elsewhere(
    exported_bundle: Path, recommender: Recommender
) -> None:
    arrays, max_length = golden_arrays(exported_bundle), recommender.contract["max_length"]
    assert arrays["length_one.history"].shape == (1, 1)
    assert arrays["length_max.history"].shape == (1, max_length)
    assert arrays["longer_than_max.history"].shape[1] > max_length
    assert set(arrays["all_unknown.history"].ravel().tolist()) == {1}
    assert len(set(arrays["repeats.history"].ravel().tolist())) == 1
    assert len({int((row != PAD).sum()) for row in arrays["mixed_batch.history"]}) == 5
    lengths = {int(arrays[f"{case}.k"]) for case in ("k_one", "length_one", "k_many")}
    assert lengths == {1, 10, recommender.largest_k}


def test_a_list_of_many_candidates_stays_short_enough_to_travel() -> None:
    inputs = golden_inputs(rows=1_000_002, max_length=6, candidates=1_000_000, top=10, seed=1)
    assert inputs["k_many"].k == 500


def test_the_spread_is_that_of_all_candidates_and_nought_where_all_are_excluded() -> None:
    def graph(_history: np.ndarray, _exclude: np.ndarray, k: int) -> TopK:
        scores = np.array([[4.0, 2.0, -np.inf], [-np.inf, -np.inf, -np.inf]], dtype=np.float32)
        assert k == 3
        return TopK(np.array([[2, 3, PAD], [PAD, PAD, PAD]]), scores)

    two_rows = np.array([[2], [3]])
    spread = spread_of(GraphInput(two_rows, two_rows, 1), graph, candidates=3)
    assert spread.tolist() == [1.0, 0.0]  # of 4 and 2; of nothing
    assert spread.dtype == np.float32
