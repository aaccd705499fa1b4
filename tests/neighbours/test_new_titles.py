"""Title neighbours of new items: among known ones, among themselves, and in known items' rows."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.core.errors import DataError
from slmrec.neighbours.new_titles import TitleVectors, side_by_side
from slmrec.neighbours.title_similarity import title_terms
from slmrec.params.neighbours import TitleParams

P = TitleParams(words=1, most_titles=10)
KNOWN = ["red apple", "red pear", "green pear", "green apple"]  # items 2 to 5
ITEMS = np.arange(2, 6)


def vectors(new: list[str], trained: int = 4) -> TitleVectors:
    return TitleVectors.of(KNOWN, ITEMS, trained, new, 6, P)


def test_known_titles_keep_the_vectors_that_training_gave_them() -> None:
    together = vectors(["red apple", "blue apple"])
    np.testing.assert_array_equal(together.known.toarray(), title_terms(KNOWN, P).toarray())


def test_the_closest_known_item_is_the_best() -> None:
    best = vectors(["apple red tasty"]).best_of(np.array([False, False, *[True] * 4]), 2).toarray()
    # Every word stands in two titles, so all weigh the same: both words shared, or one of two.
    np.testing.assert_allclose(best[0], [0, 0, 1, 0.5, 0, 0], atol=1e-6)


def test_items_that_are_not_wanted_are_passed_over() -> None:
    wanted = np.array([False, False, False, True, True, True])
    assert vectors(["red apple"]).best_of(wanted, 1).indices.tolist() == [3]


def test_new_items_are_neighbours_of_each_other_but_not_of_themselves() -> None:
    best = vectors(["red apple", "apple red", "green"]).best_of_all(1)
    assert best.shape == (3, 9)
    assert best.indices.tolist() == [2, 2, 4]  # known ones come first of equals
    both = vectors(["red apple", "apple red", "green"]).best_of_all(2)
    assert both[0].indices.tolist() == [2, 7]


def test_a_new_item_enters_where_it_is_closer_than_the_last_neighbour() -> None:
    weakest = np.array([0, 0, 0.6, 0.4, 0, 1.0])  # of items 2 to 5: .5 with one word shared
    found = vectors(["red plum", "red apple"]).entering(weakest, 5)
    items, cosines = side_by_side(found, 6)
    # "red plum" is "red" alone to training: 1 / sqrt(2) with "red apple" and "red pear".
    assert items.tolist() == [[0, 0], [0, 0], [7, 6], [6, 7], [0, 0], [0, 0]]
    np.testing.assert_allclose(cosines[2], [1, 2**-0.5], atol=1e-6)
    np.testing.assert_allclose(cosines[3], [2**-0.5, 0.5], atol=1e-6)


def test_no_more_enter_than_there_are_neighbours() -> None:
    found = vectors(["red apple", "apple", "red"]).entering(np.zeros(6), 1)
    assert np.diff(found.indptr).tolist() == [0, 0, 1, 1, 0, 1]


def test_titles_that_came_later_change_no_weights() -> None:
    later = TitleVectors.of([*KNOWN, "red fig"], np.arange(2, 7), 4, ["red"], 7, P)
    np.testing.assert_array_equal(later.known.toarray()[:4], title_terms(KNOWN, P).toarray())


def test_titles_without_a_shared_word_are_refused() -> None:
    with pytest.raises(DataError, match="no two of the bundle's 2 titles share a word"):
        TitleVectors.of(["apple", "pear"], np.arange(2, 4), 2, ["apple"], 4, P)
