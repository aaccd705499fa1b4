"""Indices become ids and titles; what pads a row is no item."""

from __future__ import annotations

import numpy as np

from slmrec.runtime.answers import Recommendation
from slmrec.runtime.comparison import TopK
from slmrec.runtime.item_names import ItemNames
from slmrec.runtime.items import ACTIVE, ServedItems, index_of


def test_rows_end_where_padding_begins() -> None:
    ids = ["a", "b"]
    names = ItemNames(ServedItems(ids, ["A", None], [ACTIVE] * 2, index_of(ids)))
    scores = np.array([[2.0, 1.0], [3.0, -np.inf], [-np.inf, -np.inf]], np.float32)
    lists = names.lists(TopK(np.array([[3, 2], [2, 0], [0, 0]]), scores))
    assert lists == [
        [Recommendation("b", None, 2.0), Recommendation("a", "A", 1.0)],
        [Recommendation("a", "A", 3.0)],
        [],
    ]
