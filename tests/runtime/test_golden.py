"""Golden cases: they cover what goes wrong elsewhere, and a replay notices what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.runtime import Recommender, verify
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import (
    GraphInput,
    golden_inputs,
    record_golden_cases,
    replay_golden_cases,
)
from tests.runtime.bundle_edits import golden_arrays, reseal, write_golden


def test_a_bundle_passes_where_it_was_made_with_no_difference_at_all(
    exported_bundle: Path, recommender: Recommender
) -> None:
    arrays = golden_arrays(exported_bundle)
    result = verify(exported_bundle, "cpu", 1)
    assert result.cases == 10
    assert result.rows == 9 * 1 + 5  # nine cases of one history, and the mixed batch
    assert result.max_difference == 0.0
    assert result.near_ties == 0
    assert arrays["k_many.items"].shape == (1, recommender.largest_k)


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


def test_golden_answers_with_other_items_fail(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    arrays["repeats.items"] = arrays["repeats.items"][:, ::-1]
    with pytest.raises(BundleError, match="golden case repeats"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_golden_answers_that_need_unpickling_are_refused(bundle: Path) -> None:
    arrays: dict[str, Any] = {"x.history": np.array([{"a": 1}], dtype=object)}
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(write_golden(bundle, arrays), "cpu", 1)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off"])
def test_golden_answers_that_are_cut_off_are_refused(bundle: Path, data: bytes) -> None:
    (bundle / "golden.npz").write_bytes(data)
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(reseal(bundle), "cpu", 1)


def test_golden_answers_that_lack_a_field_are_refused(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    del arrays["repeats.spread"]
    with pytest.raises(BundleError, match=r"lacks repeats\.spread"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_golden_answers_without_a_case_are_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="lacks every case"):
        verify(write_golden(bundle, {}), "cpu", 1)


class Countdown:
    """A graph of four items that score 4, 3, 2 and 1, whatever the history."""

    def __init__(self, *added: float) -> None:
        self.scores = np.array([4.0, 3.0, 2.0, 1.0]) + np.array(added or (0.0,) * 4)

    def __call__(self, history: np.ndarray, _exclude: np.ndarray, k: int) -> TopK:
        order = np.argsort(-self.scores, kind="stable")[:k]
        scores = self.scores[order].astype(np.float32)
        batch = len(history)
        return TopK(np.tile(order + FIRST_ITEM, (batch, 1)), np.tile(scores, (batch, 1)))


ONE_INPUT = {"only": GraphInput(np.array([[2]]), np.zeros((1, 0), dtype=np.int64), 2)}
SPREAD = 1.25**0.5  # the standard deviation of 4, 3, 2, 1


def test_the_largest_difference_of_a_replay_is_a_share_of_the_spread() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    result = replay_golden_cases(recorded, Countdown(0.5, 0.0, 0.0, 0.0), tolerance=0.5)
    assert result.max_difference == pytest.approx(0.5 / SPREAD)
    assert (result.worst_case, result.cases, result.rows) == ("only", 1, 1)


def test_the_worst_of_several_cases_is_named() -> None:
    history = np.array([[2]])
    inputs = {
        "first": GraphInput(history, history[:, :0], 1),  # the best item alone, whose score stays
        "second": GraphInput(history, history[:, :0], 2),
        "third": GraphInput(history, history[:, :0], 1),
    }
    recorded = record_golden_cases(inputs, Countdown(), candidates=4)
    result = replay_golden_cases(recorded, Countdown(0.0, 0.1, 0.0, 0.0), tolerance=0.5)
    assert (result.worst_case, result.cases, result.rows) == ("second", 3, 3)


def test_a_difference_above_the_tolerance_fails() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    with pytest.raises(BundleError, match=r"golden case only: scores differ by 4\.5e-01"):
        replay_golden_cases(recorded, Countdown(0.5, 0.0, 0.0, 0.0), tolerance=0.4)


def test_two_scores_each_within_the_tolerance_may_change_places() -> None:
    # 4 falls to 3.4 and 3 rises to 3.6: both are off by 0.6, and they are 1 apart, less than twice.
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    result = replay_golden_cases(recorded, Countdown(-0.6, 0.6, 0.0, 0.0), tolerance=0.6)
    assert result.near_ties == 1


def test_a_list_of_another_length_fails() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)

    def shorter(history: np.ndarray, exclude: np.ndarray, _k: int) -> TopK:
        return Countdown()(history, exclude, 1)

    with pytest.raises(BundleError, match=r"lists of shape \(1, 1\), recorded were \(1, 2\)"):
        replay_golden_cases(recorded, shorter, tolerance=0.5)
