"""From the pipeline's item table to the items that a bundle serves."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.export.item_tables import candidates_of, items_to_parquet, read_served_items
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED
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


def test_an_item_is_active_with_events_listed_with_a_title_and_else_retired() -> None:
    assert read_served_items(items_table([2, 3, 4])).statuses == [ACTIVE, LISTED, RETIRED]


def test_items_are_served_in_order_of_their_index_whatever_the_order_of_rows() -> None:
    served = read_served_items(items_table([4, 3, 2]))
    assert served.ids == ["c", "b", "a"]
    assert served.index == {"c": 2, "b": 3, "a": 4}


def test_a_gap_in_the_item_index_is_an_error() -> None:
    with pytest.raises(DataError, match="does not number its 3 items from 2 without gaps"):
        read_served_items(items_table([2, 3, 5]))


def test_candidates_are_neither_padding_nor_unknown_nor_retired() -> None:
    candidates = candidates_of(read_served_items(items_table([2, 3, 4])))
    assert candidates.tolist() == [False, False, True, True, False]


def test_both_item_tables_say_the_same() -> None:
    served = served_items()
    lines = [json.loads(line) for line in served.jsonl.decode().splitlines()]
    assert pl.read_parquet(io.BytesIO(items_to_parquet(served))).to_dicts() == lines
