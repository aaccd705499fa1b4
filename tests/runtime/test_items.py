"""The item table as JSON lines: written, read back, and refused where it cannot be right."""

from __future__ import annotations

import json

import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, ServedItems, index_of, items_from_jsonl

IDS = ["a", "b", "ü", "d"]
TITLES = ["A", None, "“quoted” \n é", None]
SERVED = ServedItems(IDS, TITLES, [ACTIVE, RETIRED, LISTED, ACTIVE], index_of(IDS))


def test_items_are_numbered_from_2_in_the_order_of_their_lines() -> None:
    lines = [json.loads(line) for line in SERVED.jsonl.decode().splitlines()]
    numbers = {line["item"]: line["index"] for line in lines}
    assert numbers == SERVED.index == {"a": 2, "b": 3, "ü": 4, "d": 5}


def test_an_item_table_survives_being_written_and_read() -> None:
    assert items_from_jsonl(SERVED.jsonl) == SERVED


def test_rows_count_padding_and_unknown_and_candidates_leave_out_the_retired() -> None:
    assert SERVED.rows == 2 + 4
    assert SERVED.candidates == 4 - 1


LINE = '{"index": %d, "item": "a", "title": null, "status": "active"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"index": 2}\n', "is not a table"),
        ("rubbish\n", "is not a table"),
        ("2\n", "is not a table"),
        (LINE % 3, "does not count up from index 2"),
        ("[" * 100_000, "is not a table"),
        (LINE.replace('"a"', "7") % 2, "holds 7 as an id, ids are text"),
        (LINE % 2 + LINE % 3, "names 2 items but only 1 different ids"),
    ],
)
def test_an_item_table_that_cannot_be_right_is_refused(text: str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        items_from_jsonl(text.encode())
