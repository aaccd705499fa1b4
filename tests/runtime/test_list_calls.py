"""A call, whoever finds the best items for it: what reaches the search, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime.comparison import TopK
from slmrec.runtime.item_ids import IdReader
from slmrec.runtime.item_names import ItemNames
from slmrec.runtime.items import ACTIVE, ServedItems
from slmrec.runtime.list_calls import ListCalls
from slmrec.runtime.ragged import Ragged

IDS = ["a", "b", "c"]
INDEX = {item: place for place, item in enumerate(IDS, start=FIRST_ITEM)}
ITEMS = ServedItems(IDS, [None] * len(IDS), [ACTIVE] * len(IDS), INDEX)


class Told(ListCalls):
    """Lists the first items whatever is asked, and keeps what it was asked."""

    largest_k = len(IDS)

    def __init__(self, exclude_seen: bool) -> None:
        self.contract = {"exclude_seen": exclude_seen}
        self.reader, self.names = IdReader(INDEX), ItemNames(ITEMS)

    def _best(self, history: Ragged, excluded: Sequence[Ragged], k: int) -> TopK:
        self.history = rows_of(history)
        self.excluded = [rows_of(each) for each in excluded]
        items = np.tile(np.arange(FIRST_ITEM, FIRST_ITEM + k), (len(history.lengths), 1))
        return TopK(items, np.zeros(items.shape, np.float32))


def rows_of(ragged: Ragged) -> list[list[int]]:
    padded = ragged.padded(np.arange(len(ragged.lengths)), least=1)
    return [row[row != PAD].tolist() for row in padded]


@pytest.mark.parametrize(
    ("as_evaluated", "asked", "excluded"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_seen_items_are_left_out_as_the_contract_says_or_the_call(
    as_evaluated: bool, asked: bool | None, excluded: bool
) -> None:
    told = Told(as_evaluated)
    told.recommend([["a", "b"], ["c"]], 1, exclude_seen=asked)
    assert told.history == [[2, 3], [4]]
    assert told.excluded == ([[[2, 3], [4]]] if excluded else [])


def test_what_more_is_left_out_stands_beside_it_and_unknown_ids_are_counted() -> None:
    told = Told(True)
    lists = told.recommend([["a", "x"]], 2, exclude=[["y", "c"]], unknown="ignore")
    assert told.excluded == [[[2, UNK]], [[UNK, 4]]]
    assert [item.item for item in lists[0]] == ["a", "b"]
    assert (lists.unknown.histories, lists.unknown.exclude, lists.unknown.first) == (1, 1, "x")


def test_one_row_of_excluded_indices_holds_for_all_and_k_is_cut() -> None:
    told = Told(True)
    top = told.recommend_indices(np.array([[2], [3]]), np.array([[4]]), 99)
    assert told.excluded == [[[4], [4]]]
    assert top.items.shape == (2, len(IDS))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"histories": [["x"]], "k": 1}, "the first is 'x'"),
        ({"histories": [["a"]], "k": 4}, "k is 4"),
        ({"histories": [["a"]], "k": 1, "exclude": [["a"], ["b"]]}, "2 exclusions for 1 histories"),
        ({"histories": ["ab"], "k": 1}, "histories"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(words: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Told(True).recommend(**words)  # type: ignore[arg-type]


def test_lists_come_as_item_indices_too_with_the_same_count_of_unknown_ids() -> None:
    told = Told(True)
    top, unknown = told.recommend_places([["a", "x"], []], 2, exclude_seen=None)
    assert told.excluded == [[[2, UNK], []]]
    assert top.items.tolist() == [[2, 3], [2, 3]]
    assert (unknown.histories, unknown.first) == (1, "x")
