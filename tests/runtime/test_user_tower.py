"""Users as vectors: the product with the items' vectors is what the graph scores by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.runtime import Recommender, UnknownItemsWarning, UserTower
from slmrec.runtime.bundle import read_bundle


@pytest.fixture(scope="module")
def tower(exported_bundle: Path) -> UserTower:
    return UserTower.load(exported_bundle, "cpu", 1)


HISTORIES = [["i5", "i9", "i3"], ["i4"], [], [f"i{item}" for item in range(10, 30)]]


def test_the_product_of_the_vectors_orders_items_as_the_graph_does(
    tower: UserTower, recommender: Recommender
) -> None:
    users = tower.embed(HISTORIES).vectors
    scores = users @ tower.item_vectors.vectors.T  # (4, C)
    for row, best in zip(
        scores, recommender.recommend(HISTORIES, 10, exclude_seen=False), strict=True
    ):
        order = np.argsort(-row, kind="stable")[:10]
        ids = [tower.items.ids[index - 2] for index in tower.item_vectors.items[order].tolist()]
        assert ids == [item.item for item in best]
        np.testing.assert_allclose(row[order], [item.score for item in best], rtol=1e-4, atol=1e-5)


def test_vectors_come_in_the_order_of_the_histories_however_they_are_run(
    exported_bundle: Path, tower: UserTower
) -> None:
    at_once = tower.embed(HISTORIES).vectors
    by_two = UserTower(read_bundle(exported_bundle), "cpu", 1, batch_size=2)
    np.testing.assert_allclose(by_two.embed(HISTORIES).vectors, at_once, rtol=1e-5, atol=1e-6)
    for row, history in enumerate(HISTORIES):
        alone = tower.embed([history]).vectors
        np.testing.assert_allclose(alone[0], at_once[row], rtol=1e-5, atol=1e-6)


def test_indices_give_the_same_as_ids(tower: UserTower) -> None:
    by_index = tower.embed_indices(np.array([[5, 9, 3, 0], [4, 0, 0, 0]]))
    np.testing.assert_array_equal(by_index, tower.embed(HISTORIES[:2]).vectors)
    assert by_index.shape == (2, tower.width)
    assert tower.embed_indices(np.zeros((0, 3), np.int64)).shape == (0, tower.width)


def test_unknown_ids_are_an_error_or_are_counted(exported_bundle: Path) -> None:
    tower = UserTower(exported_bundle, "cpu", 1)
    with pytest.raises(UsageError, match="1 of 2 ids are not in this bundle's item table"):
        tower.embed([["i5", "new"]])
    with pytest.warns(UnknownItemsWarning, match="'new'"):
        tower.embed([["i5", "new"]], unknown="warn")
    found = tower.embed([["i5", "new"], ["other"]], unknown="ignore")
    assert (found.unknown.histories, found.unknown.exclude, found.unknown.first) == (2, 0, "new")
    unknown = tower.embed_indices(np.array([[1]]))
    np.testing.assert_allclose(found.vectors[1], unknown[0], rtol=1e-5, atol=1e-6)


def test_arguments_of_a_wrong_type_are_one_line(tower: UserTower) -> None:
    with pytest.raises(UsageError, match="give one sequence of item ids"):
        tower.embed(["i5", "i9"])
    with pytest.raises(UsageError, match="unknown is 'all'"):
        tower.embed([["i5"]], unknown="all")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="give a table of whole numbers"):
        tower.embed_indices(np.array([1.5]))


def test_a_bundle_without_a_user_tower_says_how_to_get_one(exported_bundle: Path) -> None:
    bundle = read_bundle(exported_bundle)
    del bundle.contract["graphs"]["user_tower"]
    with pytest.raises(BundleError, match=r"no graph user_tower, .* add it to export_onnx\.graphs"):
        UserTower(bundle, "cpu", 1)
