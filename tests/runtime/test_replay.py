"""A replay notices what changed: items, scores, shapes, types, and the unit of differences."""

from __future__ import annotations

import io

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import GraphInput, record_golden_cases
from slmrec.runtime.npz import read_npz
from slmrec.runtime.replay import ReplayResult, replay_golden_cases
from slmrec.runtime.session import RunGraph


class Countdown:
    """A graph of four items that score 4, 3, 2 and 1, whatever the history."""

    def __init__(self, *added: float) -> None:
        self.scores = np.array([4.0, 3.0, 2.0, 1.0]) + np.array(added or (0.0,) * 4)

    def __call__(self, history: np.ndarray, _exclude: np.ndarray, k: int) -> TopK:
        order = np.argsort(-self.scores, kind="stable")[:k]
        scores = self.scores[order].astype(np.float32)
        batch = len(history)
        return TopK(np.tile(order + FIRST_ITEM, (batch, 1)), np.tile(scores, (batch, 1)))


def replay(recorded: bytes, graph: RunGraph, tolerance: float) -> ReplayResult:
    return replay_golden_cases(recorded, graph, tolerance, candidates=4)


ONE_INPUT = {"only": GraphInput(np.array([[2]]), np.zeros((1, 0), dtype=np.int64), 2)}
SPREAD = 1.25**0.5  # the standard deviation of 4, 3, 2, 1


def test_the_largest_difference_of_a_replay_is_a_share_of_the_spread() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    result = replay(recorded, Countdown(0.5, 0.0, 0.0, 0.0), tolerance=0.5)
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
    result = replay(recorded, Countdown(0.0, 0.1, 0.0, 0.0), tolerance=0.5)
    assert (result.worst_case, result.cases, result.rows) == ("second", 3, 3)


def test_a_difference_above_the_tolerance_fails() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    with pytest.raises(BundleError, match=r"golden case only: scores differ by 4\.5e-01"):
        replay(recorded, Countdown(0.5, 0.0, 0.0, 0.0), tolerance=0.4)


def test_two_scores_each_within_the_tolerance_may_change_places() -> None:
    # 4 falls to 3.4 and 3 rises to 3.6: both are off by 0.6, and they are 1 apart, less than twice.
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
    result = replay(recorded, Countdown(-0.6, 0.6, 0.0, 0.0), tolerance=0.6)
    assert result.near_ties == 1


def test_a_list_of_another_length_fails() -> None:
    recorded = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)

    def shorter(history: np.ndarray, exclude: np.ndarray, _k: int) -> TopK:
        return Countdown()(history, exclude, 1)

    with pytest.raises(BundleError, match=r"items of shape \(1, 1\) .* recorded were \(1, 2\)"):
        replay(recorded, shorter, tolerance=0.5)


def test_scores_of_another_type_fail() -> None:
    def doubles(history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        top = Countdown()(history, exclude, k)
        return TopK(top.items, top.scores.astype(np.float64))

    with pytest.raises(BundleError, match=r"type float64, recorded were \(1, 2\) and float32"):
        replay(RECORDED, doubles, tolerance=0.5)


def test_a_spread_that_is_not_the_scores_fails() -> None:
    # The recorded spread is 1.118; twice the scores spread twice as far, more than half off.
    def doubled(history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        top = Countdown()(history, exclude, k)
        return TopK(top.items, 2 * top.scores)

    with pytest.raises(BundleError, match=r"spread is 2\.23607 here, recorded was 1\.11803"):
        replay(RECORDED, doubled, tolerance=0.4)


RECORDED = record_golden_cases(ONE_INPUT, Countdown(), candidates=4)
ROW = np.array([[2]])
ODD = [
    ("history", ROW.astype(np.int32), r"only\.history of shape \(1, 1\) and type int32"),
    ("history", ROW[0], r"only\.history of shape \(1,\)"),
    ("exclude", np.zeros((2, 0), np.int64), r"only\.exclude of shape \(2, 0\)"),
    ("k", np.array([2]), r"only\.k of shape \(1,\)"),
    ("items", np.array([[2, 3, 4]]), r"only\.scores of shape \(1, 2\)"),
    ("scores", np.array([[4.0, 3.0]]), r"only\.scores of shape \(1, 2\) and type float64"),
    ("spread", np.ones((2,), np.float32), r"only\.spread of shape \(2,\)"),
    ("spread", np.array([np.inf], np.float32), "no usable input or spread in only"),
    ("history", ROW[:, :0], "no usable input or spread in only"),
]


@pytest.mark.parametrize(("field", "value", "message"), ODD)
def test_fields_of_another_shape_or_type_are_named(
    field: str, value: np.ndarray, message: str
) -> None:
    arrays = read_npz(RECORDED) | {f"only.{field}": value}
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # names are no keywords of it
    with pytest.raises(BundleError, match=message):
        replay(stream.getvalue(), Countdown(), tolerance=0.5)


def test_a_case_of_very_many_rows_is_refused_before_it_runs() -> None:
    rows = np.full((65, 1), 2)
    many = {"only": GraphInput(rows, rows[:, :0], 2)}
    recorded = record_golden_cases(many, Countdown(), candidates=4)
    with pytest.raises(BundleError, match="65 rows in only, expected 1 to 64"):
        replay(recorded, Countdown(), tolerance=0.5)
