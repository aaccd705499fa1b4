"""The database finds what the exact product of the same vectors says is best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from qdrant_client import QdrantClient

from examples.vector_search.collection import search
from slmrec.runtime import UserTower

HISTORIES = [["i5", "i9", "i3"], ["i4"], [], ["nowhere", "i20"], [f"i{n}" for n in range(10, 30)]]


def exact(
    tower: UserTower, history: list[str], k: int, keep: Callable[[str | None], bool]
) -> tuple[list[str], np.ndarray]:
    """The k best by the product of all vectors: ids and scores."""
    scores = tower.item_vectors.vectors @ tower.embed([history], unknown="ignore").vectors[0]
    rows = [
        (-score, tower.items.ids[index - 2])
        for index, score in zip(tower.item_vectors.items.tolist(), scores.tolist(), strict=True)
        if tower.items.ids[index - 2] not in history and keep(tower.items.titles[index - 2])
    ]
    best = sorted(rows)[:k]
    return [item for _, item in best], np.array([-score for score, _ in best])


@pytest.mark.parametrize("history", HISTORIES)
def test_the_ten_best_are_the_exact_ones(
    filled: QdrantClient, tower: UserTower, history: list[str]
) -> None:
    points = search(filled, tower, history, 10, None)
    items, scores = exact(tower, history, 10, lambda title: True)
    assert [(point.payload or {})["item"] for point in points] == items
    np.testing.assert_allclose([point.score for point in points], scores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("history", HISTORIES)
def test_a_filter_on_titles_holds_before_the_ten_are_chosen(
    filled: QdrantClient, tower: UserTower, history: list[str]
) -> None:
    words = "11 12 23 24 31 39"
    points = search(filled, tower, history, 10, words)
    wanted = set(words.split())
    items, _ = exact(tower, history, 10, lambda title: bool(set((title or "").split()) & wanted))
    assert items and [(point.payload or {})["item"] for point in points] == items
    assert all(set(str((point.payload or {})["title"]).split()) & wanted for point in points)


def test_nothing_seen_comes_back(filled: QdrantClient, tower: UserTower) -> None:
    history = [f"i{n}" for n in range(2, 36)]
    points = search(filled, tower, history, 39, None)
    assert {(point.payload or {})["item"] for point in points} == {f"i{n}" for n in range(36, 42)}
