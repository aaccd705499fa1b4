"""What titles give to new items: vectors of like items, and neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM, UNK
from slmrec.export.extended_graph import Extension, item_rows, neighbour_rows
from slmrec.export.new_items import NewItems
from slmrec.export.titled_extension import TitleSettings, Trained, titled_extension
from slmrec.runtime.items import ServedItems
from tests.support.bundles import RETIRED_ITEM, ROWS
from tests.support.titled_bundles import COUNT, TITLE_TERMS, exported, titled_items

TRAINED = Trained(ROWS, None)


def extend(*titles: str, like: int = 1, served: ServedItems | None = None) -> Extension:
    new = NewItems([f"n{place}" for place in range(len(titles))], titles, {})
    graph, _ = exported(True)
    settings = TitleSettings(TITLE_TERMS, like)
    served = served or titled_items()
    terms = ["graph", "titles"]
    return titled_extension(graph, served, terms, TRAINED, new, settings)[1]


def index_of_title(title: str) -> int:
    return list(titled_items().titles).index(title) + FIRST_ITEM


def test_a_new_item_has_the_vector_of_the_item_with_its_title() -> None:
    title = titled_items().titles[0]
    extension = extend(str(title))
    rows = item_rows(exported(True)[0])
    np.testing.assert_allclose(extension.columns[0], rows[FIRST_ITEM], atol=1e-6)
    np.testing.assert_allclose(extension.rows[0], (rows[FIRST_ITEM] + rows[UNK]) / 2, atol=1e-6)


def test_an_item_that_is_not_recommended_lends_no_vector() -> None:
    title = titled_items().titles[RETIRED_ITEM - FIRST_ITEM]
    extension = extend(str(title))
    rows = item_rows(exported(True)[0])
    assert np.abs(rows - extension.columns[0]).sum(axis=1).argmin() != RETIRED_ITEM


def test_known_neighbours_keep_their_places_and_new_ones_stand_behind() -> None:
    before = neighbour_rows(exported(True)[0])[1]
    after = extend("red apple", "blue cheese").neighbours[1]
    assert after is not None
    np.testing.assert_array_equal(after.items[:ROWS, :COUNT], before.items)
    np.testing.assert_array_equal(after.weights[:ROWS, :COUNT], before.weights)
    behind = after.items[:ROWS, COUNT:]
    assert set(behind[behind > 0].tolist()) <= {ROWS, ROWS + 1}
    assert len(after.items) == ROWS + 2
    assert (after.items[ROWS:, 0] > 0).all()


def test_a_weight_is_the_cosine_in_the_table_s_own_measure() -> None:
    table = neighbour_rows(exported(True)[0])[1]
    item = index_of_title(str(titled_items().titles[0]))
    after = extend(str(titled_items().titles[0])).neighbours[1]
    assert after is not None
    # With the title of a known item its neighbours are that item, then the item's own.
    assert after.items[ROWS, 0] == item
    np.testing.assert_allclose(
        after.weights[ROWS, 1:COUNT], table.weights[item, : COUNT - 1], rtol=1e-4
    )


def test_without_a_title_among_new_or_known_items_nothing_is_made() -> None:
    with pytest.raises(DataError, match="none of the 0 new items has a title"):
        extend()
    items = titled_items()
    untitled = ServedItems(items.ids, [" "] * len(items.ids), items.statuses, items.index)
    with pytest.raises(DataError, match=r"items have no titles.*prepare\.items\.columns\.title"):
        extend("red apple", served=untitled)
