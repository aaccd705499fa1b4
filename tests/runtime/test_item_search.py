"""The search finds what a product with every vector finds, and leaves out what it is told to."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from slmrec.core.errors import UnavailableError
from slmrec.runtime import item_search
from slmrec.runtime.item_search import NOBODY, ItemSearch

K = 10
USERS = np.random.default_rng(2).standard_normal((50, 33), dtype=np.float32)
NOTHING = np.zeros((50, 0), np.int64)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Of an odd width; drawn at random, so as far apart as any."""
    return np.random.default_rng(1).standard_normal((12_000, 33), dtype=np.float32)


@pytest.fixture(scope="module")
def search(vectors: np.ndarray) -> ItemSearch:
    pytest.importorskip("faiss")
    return ItemSearch(vectors, 1)


def exact(vectors: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    scores = USERS @ vectors.T
    for row, places in enumerate(left_out):
        scores[row, places[places != NOBODY]] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :K]


def recall(found: np.ndarray, expected: np.ndarray) -> float:
    return float((found[:, :, None] == expected[:, None, :]).any(1).mean())


def test_the_codes_lose_hardly_any_of_the_best(search: ItemSearch, vectors: np.ndarray) -> None:
    places, scores = search.best(USERS, NOTHING, K)
    assert search._index is not None
    assert recall(places, exact(vectors, NOTHING)) >= 0.99
    products = np.take_along_axis(USERS @ vectors.T, places, 1)
    np.testing.assert_allclose(scores, products, rtol=1e-4, atol=1e-4)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_what_is_left_out_is_never_found_and_others_take_its_place(
    search: ItemSearch, vectors: np.ndarray
) -> None:
    best = exact(vectors, NOTHING)
    left_out = np.concatenate([best, np.full((50, 3), NOBODY)], axis=1)
    places, scores = search.best(USERS, left_out, K)
    assert not (places[:, :, None] == best[:, None, :]).any()
    assert recall(places, exact(vectors, left_out)) >= 0.99
    assert np.isfinite(scores).all()


def test_a_long_list_is_computed_from_every_product(
    search: ItemSearch, vectors: np.ndarray
) -> None:
    count = len(vectors)
    places, _ = search.best(USERS[:2], NOTHING[:2], count)
    expected = np.argsort(-(USERS[:2] @ vectors.T), axis=1, kind="stable")
    assert (places == expected).mean() > 0.999  # sums in another order may swap near-ties


def test_few_vectors_need_no_index_and_ties_go_by_place() -> None:
    search = ItemSearch(np.array([[1.0], [2.0], [2.0], [0.5]], np.float32), None)
    assert search._index is None
    left_out = np.array([[NOBODY, NOBODY], [1, 0]])
    places, scores = search.best(np.ones((2, 1), np.float32), left_out, 4)
    assert places.tolist() == [[1, 2, 0, 3], [2, 3, NOBODY, NOBODY]]
    assert scores[1].tolist() == [2.0, 0.5, -np.inf, -np.inf]


def test_the_same_vectors_give_the_same_answers_on_any_number_of_threads(
    search: ItemSearch, vectors: np.ndarray
) -> None:
    expected = search.best(USERS, NOTHING, K)
    again = ItemSearch(vectors, 2).best(USERS, NOTHING, K)
    np.testing.assert_array_equal(again[0], expected[0])
    with ThreadPoolExecutor(4) as pool:
        for places, _ in pool.map(lambda _: search.best(USERS, NOTHING, K), range(8)):
            np.testing.assert_array_equal(places, expected[0])


def test_without_faiss_the_advice_names_the_extra(
    vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UnavailableError, match=r"pip install 'slmrec\[ann\]'"):
        ItemSearch(vectors, 1)
    assert len(item_search.ItemSearch(vectors[:100], 1).vectors) == 100
