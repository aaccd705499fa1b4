"""A row that holds a list of items becomes one event an item, in the list's order."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventSource
from slmrec.preprocessing.events.lists import EMPTY, POSITION, explode_lists
from slmrec.preprocessing.logs.values import as_text
from tests.support.logs import START, Workshop, event_columns, params

EXPLODE = {
    "prepare__events__lists": "explode",
    "prepare__events__columns": event_columns(weight=None),
}


def exploded(items: pl.Series, separator: str | None = None) -> list[tuple[Any, ...]]:
    """Number of the row, item and position of each event."""
    changes = EXPLODE | {"prepare__events__list_separator": separator}
    source = EventSource.model_validate(params(**changes)["prepare"]["events"])
    rows = pl.DataFrame({"row": range(1, len(items) + 1), "item": items})
    return explode_lists(rows, source).select("row", "item", POSITION).rows()


@pytest.mark.parametrize(
    "items",
    [
        pl.Series([[3, 9], [], None, [1]]),
        pl.Series([[3.0, 9.0], [], None, [1.0]]),
        pl.Series([["3.0", "9"], [], None, ["1"]]),
        pl.Series([as_text(value, no_lists=True) for value in ([3, 9.0], [], None, ["1"])]),
    ],
    ids=["integers", "floats", "texts", "json"],
)
def test_the_items_of_a_list_keep_their_order(items: pl.Series) -> None:
    expected = [(1, "3", 0), (1, "9", 1), (2, None, EMPTY), (3, None, EMPTY), (4, "1", 0)]
    assert exploded(items) == expected


def test_a_column_of_arrays_is_one_of_lists() -> None:
    arrays = pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2))
    assert exploded(arrays) == [(1, "1", 0), (1, "2", 1), (2, "3", 0), (2, "4", 1)]


def test_a_text_of_several_ids_is_split_where_a_separator_is_named() -> None:
    texts = pl.Series(["N1 N2  N3", "N4", "", None, " "])
    assert exploded(texts, " ")[:4] == [(1, "N1", 0), (1, "N2", 1), (1, "N3", 2), (2, "N4", 0)]
    assert exploded(texts, " ")[4:] == [(row, None, EMPTY) for row in (3, 4, 5)]
    assert exploded(texts)[0] == (1, "N1 N2  N3", 0), "without one it is one id"


def test_a_value_that_is_no_list_is_a_list_of_one() -> None:
    assert exploded(pl.Series([7, 8])) == [(1, "7", 0), (2, "8", 0)]


def test_lists_of_anything_but_ids_are_told() -> None:
    with pytest.raises(DataError, match=r"column item is List\(Struct.*; a list of ids can be"):
        exploded(pl.Series("item", [[{"aid": 1}]]))


def as_baskets(baskets: list[tuple[str, int, Any]]) -> bytes:
    records = [{"user": user, "time": time, "item": items} for user, time, items in baskets]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


BASKETS = [("ann", START + 9, ["z", "b"]), ("ann", START, ["c", "z", "a"]), ("bob", START, [])]


def test_events_of_a_row_are_in_the_order_of_its_list(workshop: Workshop) -> None:
    workshop.set(**EXPLODE)
    workshop.deliver("all.jsonl", as_baskets(BASKETS))
    counts = workshop.prepare()
    assert workshop.events()["item"].to_list() == ["c", "z", "a", "z", "b"]
    assert (counts["rows"], counts["events"]) == (3, 5)
    assert counts["left_out"] == {"empty list": 1} and counts["quarantined"] == {}


def test_lists_of_parquet_are_the_same_events(workshop: Workshop) -> None:
    stream = io.BytesIO()
    table = pl.DataFrame(BASKETS, schema=["user", "time", "item"], orient="row")
    table.write_parquet(stream)
    workshop.deliver("all.parquet", stream.getvalue())
    workshop.set(prepare__events__columns=event_columns(weight=None))
    with pytest.raises(DataError, match=r"holds lists .* prepare.events.lists: explode"):
        workshop.prepare()
    workshop.set(**EXPLODE)
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["c", "z", "a", "z", "b"]


def test_times_and_types_may_be_lists_beside_the_items(workshop: Workshop) -> None:
    columns = event_columns(item="events.id", time="events.at", type="events.kind", weight=None)
    workshop.set(
        prepare__events__lists="explode",
        prepare__events__columns=columns,
        prepare__keep_types=["buy"],
        prepare__max_quarantine_share=0.5,
    )
    events = [
        {"id": "b", "at": START + 1, "kind": "buy"},
        {"id": "a", "at": START, "kind": "buy"},
        {"id": "c", "at": START, "kind": "view"},
        {"id": "d"},
    ]
    sessions = [{"user": 1, "events": events}, {"user": 2, "events": events[:1]}]
    lines = "".join(json.dumps(session) + "\n" for session in sessions)
    workshop.deliver("all.jsonl", lines.encode())
    counts = workshop.prepare()
    assert counts["left_out"] == {"type not kept": 1}
    assert counts["quarantined"] == {"time unreadable": 1}
    rows = set(workshop.events().select("user", "item", pl.col("time").dt.epoch("s")).rows())
    assert rows == {("1", "a", START), ("1", "b", START + 1), ("2", "b", START + 1)}


def test_the_position_comes_after_the_sequence(workshop: Workshop) -> None:
    columns = event_columns(weight=None, sequence="number")
    workshop.set(
        prepare__events__columns=columns,
        prepare__events__lists="explode",
        prepare__events__list_separator="|",
    )
    lines = f"user,item,time,number\nann,x|y,{START},2\nann,p|q,{START},1\n"
    workshop.deliver("all.csv", lines.encode())
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["p", "q", "x", "y"]


def test_without_a_clock_or_a_sequence_lists_and_lines_are_in_order(workshop: Workshop) -> None:
    workshop.set(
        prepare__events__columns=event_columns(time=None, weight=None),
        prepare__events__lists="explode",
        prepare__events__list_separator=" ",
        prepare__max_quarantine_share=0.5,
        split__method="leave_one_out",
    )
    workshop.deliver("all.csv", b"user,item\nann,z y x\nbob,q\nann,b a\nbob,p\nbob,\nbob,o\n")
    counts = workshop.prepare()
    assert (counts["quarantined"], counts["left_out"]) == ({}, {"empty list": 1})
    items = {user: rows["item"].to_list() for (user,), rows in workshop.events().group_by("user")}
    assert items == {"ann": ["z", "y", "x", "b", "a"], "bob": ["q", "p", "o"]}


def test_a_list_an_object_and_a_boolean_are_no_ids(workshop: Workshop) -> None:
    workshop.set(
        prepare__events__columns=event_columns(weight=None), prepare__max_quarantine_share=0.9
    )
    values = [["a", "b"], {"id": 1}, True, "fine", "[1]"]
    workshop.deliver("all.jsonl", as_baskets([("ann", START, value) for value in values]))
    assert workshop.prepare()["quarantined"] == {"item is a list, no id": 3}
    assert set(workshop.events()["item"]) == {"fine", "[1]"}
    assert workshop.quarantine()["text"][0] == f'ann | ["a", "b"] | {START}'


def test_where_all_items_are_lists_the_setting_is_named(workshop: Workshop) -> None:
    workshop.set(prepare__events__columns=event_columns(weight=None))
    workshop.deliver("all.jsonl", as_baskets(BASKETS[:2]))
    expected = r"""2 item is a list, no id \(logs/all.jsonl row 1: '\["z", "b"\]'.*lists: explode"""
    with pytest.raises(DataError, match=expected):
        workshop.prepare()
    assert not Path("events").exists()


def test_many_rows_of_lists_are_cut_into_several_chunks(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.set(**EXPLODE)
    workshop.deliver("all.jsonl", as_baskets(BASKETS[:2] * 3 + BASKETS))
    whole = workshop.prepare()
    events = workshop.events()
    monkeypatch.setattr("slmrec.preprocessing.events.chunk_store.LIST_ROWS", 2)
    shutil.rmtree("cache")
    assert workshop.prepare() == whole
    assert workshop.events().equals(events)
