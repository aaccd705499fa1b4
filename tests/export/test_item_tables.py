"""From the pipeline's item table to the items that a bundle serves."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.export.item_tables import candidates_of, items_to_parquet, read_served_items
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, UNTRAINED
from tests.support.bundles import served_items


def items_table(indices: list[int]) -> pl.DataFrame:
    rows = {
        "item_index": indices,
        "item": ["a", "b", "c"],
        "title": [None, "B", None],
        "first_time": None,
        "events": [3, 0, 0],
    }
    return pl.DataFrame(rows, schema=tables.ITEMS)


NOTHING, THE_TITLED = np.array([], dtype=np.int64), np.array([3])  # what a model knows by text


def test_an_item_is_active_with_events_listed_where_its_text_is_known_and_else_retired() -> None:
    served = read_served_items(items_table([2, 3, 4]), THE_TITLED)
    assert served.statuses == [ACTIVE, LISTED, RETIRED]
    assert served.candidates == 2


def test_a_titled_item_of_which_the_model_knows_nothing_is_never_recommended() -> None:
    served = read_served_items(items_table([2, 3, 4]), NOTHING)
    assert served.statuses == [ACTIVE, UNTRAINED, RETIRED]
    assert served.candidates == 1
    assert candidates_of(served).tolist() == [False, False, True, False, False]


def test_items_are_served_in_order_of_their_index_whatever_the_order_of_rows() -> None:
    served = read_served_items(items_table([4, 3, 2]), NOTHING)
    assert served.ids == ["c", "b", "a"]
    assert served.index == {"c": 2, "b": 3, "a": 4}


def test_a_gap_in_the_item_index_is_an_error() -> None:
    with pytest.raises(DataError, match="does not number its 3 items from 2 without gaps"):
        read_served_items(items_table([2, 3, 5]), NOTHING)


def test_candidates_are_neither_padding_nor_unknown_nor_retired() -> None:
    candidates = candidates_of(read_served_items(items_table([2, 3, 4]), THE_TITLED))
    assert candidates.tolist() == [False, False, True, True, False]


def test_both_item_tables_say_the_same() -> None:
    served = served_items()
    lines = [json.loads(line) for line in served.jsonl.decode().splitlines()]
    assert pl.read_parquet(io.BytesIO(items_to_parquet(served))).to_dicts() == lines
