"""Two stages recommend what the whole graph recommends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.runtime import Recommender, TwoStageRecommender, UnknownItemsWarning
from slmrec.runtime.bundle import read_bundle

HISTORIES = [["i5", "i9", "i3"], ["i4"], [], [f"i{item}" for item in range(10, 30)]]


@pytest.fixture(scope="module")
def two_stage(exported_bundle: Path) -> TwoStageRecommender:
    """Of 39 items, so without an index; tests/runtime/test_item_search.py has one."""
    return TwoStageRecommender.load(exported_bundle, "cpu", 1)


def test_lists_are_those_of_the_whole_graph(
    two_stage: TwoStageRecommender, recommender: Recommender
) -> None:
    for exclude_seen in (None, False):
        wanted = recommender.recommend(HISTORIES, 10, exclude_seen)
        found = two_stage.recommend(HISTORIES, 10, exclude_seen)
        for expected, actual in zip(wanted, found, strict=True):
            assert [item[:2] for item in actual] == [item[:2] for item in expected]
            scores = [item.score for item in actual]
            np.testing.assert_allclose(scores, [item.score for item in expected], rtol=1e-4)


def test_exclusions_are_left_out_row_by_row(
    two_stage: TwoStageRecommender, recommender: Recommender
) -> None:
    first = [[item.item for item in row[:3]] for row in recommender.recommend(HISTORIES, 5)]
    wanted = recommender.recommend(HISTORIES, 5, exclude=first)
    found = two_stage.recommend(HISTORIES, 5, exclude=first)
    assert [[i.item for i in row] for row in found] == [[i.item for i in row] for row in wanted]


def test_lists_end_where_candidates_do(
    two_stage: TwoStageRecommender, recommender: Recommender
) -> None:
    assert two_stage.largest_k == recommender.largest_k
    everything = [recommender.items.ids] * len(HISTORIES)
    assert [len(row) for row in two_stage.recommend(HISTORIES, 3, exclude=everything)] == [0] * 4
    found = two_stage.recommend(HISTORIES, two_stage.largest_k, exclude_seen=True)
    wanted = recommender.recommend(HISTORIES, recommender.largest_k, exclude_seen=True)
    assert [len(row) for row in found] == [len(row) for row in wanted]


def test_indices_give_the_same_as_ids_and_what_is_no_item_is_passed_over(
    two_stage: TwoStageRecommender, recommender: Recommender
) -> None:
    history = np.array([[5, 9, 3], [4, 0, 0], [0, 0, 0]])
    for exclude in (history, np.array([[5, -7, 10**9]]), np.zeros((1, 0), np.int64)):
        wanted = recommender.recommend_indices(history, exclude, 5)
        found = two_stage.recommend_indices(history, exclude, 5)
        np.testing.assert_array_equal(found.items, wanted.items)
    assert two_stage.recommend_indices(history[:0], history[:0], 5).items.shape == (0, 5)


def test_arguments_are_checked_as_the_recommender_checks_them(
    two_stage: TwoStageRecommender,
) -> None:
    with pytest.raises(UsageError, match="k is 0"):
        two_stage.recommend(HISTORIES, 0)
    with pytest.raises(UsageError, match="1 exclusions for 4 histories"):
        two_stage.recommend(HISTORIES, 3, exclude=[["i5"]])
    with pytest.raises(UsageError, match="'new'"):
        two_stage.recommend([["new"]], 3)
    with pytest.warns(UnknownItemsWarning, match="'new'"):
        assert two_stage.recommend([["new"]], 3, unknown="warn").unknown.histories == 1


def test_a_bundle_with_neighbours_is_refused_in_one_line(exported_bundle: Path) -> None:
    bundle = read_bundle(exported_bundle)
    bundle.contract["neighbours"] = {"decay": 0.9, "terms": {}, "trend": None}
    with pytest.raises(BundleError, match=r"serves neighbours, .*; use Recommender") as error:
        TwoStageRecommender(bundle, "cpu", 1)
    assert "\n" not in str(error.value)


@pytest.mark.acceptance  # an export takes seconds
def test_a_large_catalogue_is_searched_and_nobody_gets_what_is_popular(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("faiss")
    from benchmarks.random_bundle import write_random_bundle

    bundle = write_random_bundle(tmp_path / "bundle", 12_000, ["user_tower"])
    asked = [[], ["new"], *([f"i{item}", f"i{7 * item}"] for item in range(100))]
    excluded = [["i4", "i5"], *([f"i{item}"] for item in range(101))]
    wanted, found = (
        recommender(bundle, "cpu", 1).recommend(asked, 10, exclude=excluded, unknown="ignore")
        for recommender in (Recommender, TwoStageRecommender)
    )
    pairs = [
        ([item.item for item in expected], [item.item for item in actual])
        for expected, actual in zip(wanted, found, strict=True)
    ]
    assert all(expected == actual for expected, actual in pairs[:2])
    assert sum(len({*expected} & {*actual}) for expected, actual in pairs) >= 0.99 * 10 * 102
