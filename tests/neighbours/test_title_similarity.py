"""Title neighbours: cosine of TF-IDF vectors of words and runs of words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from slmrec.neighbours import title_similarity as module
from slmrec.neighbours.title_similarity import title_similarity
from slmrec.params.neighbours import TitleParams

TITLES = ["Red Wool Hat", "red wool scarf", "Blue cotton shirt", None, "  ", "Red shirt"]
PARAMS = TitleParams(words=2, most_titles=100)


def similarity(titles: list[str | None], count: int = 5, p: TitleParams = PARAMS) -> np.ndarray:
    index = range(2, 2 + len(titles))
    columns = {"item_index": index, "title": pl.Series(titles, dtype=pl.String)}
    items = pl.DataFrame(columns)
    return title_similarity(items, 2 + len(titles), p, count).toarray()


def test_titles_that_share_rare_words_are_closest() -> None:
    similar = similarity(TITLES)
    hat, scarf, shirt, red_shirt = 2, 3, 4, 7
    # "red", "wool" and "red wool" are shared, and nothing else stands in both
    assert similar[hat, scarf] == pytest.approx(1.0)
    assert 0 < similar[hat, red_shirt] < similar[shirt, red_shirt]  # red is commoner than shirt
    assert similar[hat, shirt] == 0


def test_cosines_are_alike_in_both_directions_and_an_item_is_not_its_own_neighbour() -> None:
    similar = similarity(TITLES)
    np.testing.assert_allclose(similar, similar.T, rtol=1e-12)
    assert not similar.diagonal().any()


def test_items_without_a_title_have_no_neighbours() -> None:
    similar = similarity(TITLES)
    assert not similar[[0, 1, 5, 6]].any()


def test_a_word_of_too_many_titles_is_left_out() -> None:
    similar = similarity(TITLES, p=TitleParams(words=1, most_titles=2))
    assert similar[2, 7] == 0  # "red" stands in three


@pytest.mark.parametrize("titles", [[None], ["one", "two"], ["the same", "the same"] * 60])
def test_titles_that_nothing_tells_apart_or_joins_give_no_neighbours(
    titles: list[str | None],
) -> None:
    assert not similarity(titles).any()


def test_blocks_of_any_size_give_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str | None] = [f"word{n % 3} word{n % 4} word{n % 5}" for n in range(40)]
    whole = similarity(titles, count=3)
    monkeypatch.setattr(module, "PRODUCTS_AT_ONCE", 100)
    np.testing.assert_allclose(similarity(titles, count=3), whole, rtol=1e-12)
