"""Results read like a sequence of lists, and say which ids were unknown."""

from __future__ import annotations

from slmrec.runtime.answers import Recommendation, Recommendations, UnknownIds

FIRST = [Recommendation("7", "Seven", 2.0), Recommendation("8", None, 1.0)]
RESULT = Recommendations([FIRST, []], UnknownIds(1, 0, "nowhere"))


def test_results_are_read_by_place_in_order_and_counted() -> None:
    assert RESULT[0] == FIRST
    assert list(RESULT) == [FIRST, []]
    assert len(RESULT) == 2


def test_an_item_has_its_fields_by_name() -> None:
    assert (FIRST[0].item, FIRST[0].title, FIRST[0].score) == ("7", "Seven", 2.0)
