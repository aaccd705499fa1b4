"""Rows become events by time; a row that is none has the first reason that holds."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.parse import Parsed, parse
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, RowBatch
from tests.support.logs import START, Workshop, as_csv, as_parquet, event_columns, params

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]
US = 1_000_000


def settings(**changes: Any) -> PrepareParams:
    return PrepareParams.model_validate(params(**changes)["prepare"])


def parsed(rows: list[tuple[Any, ...]], p: PrepareParams | None = None) -> Parsed:
    """Rows of user, item, time and weight (and kind), numbered from 1, of file 0."""
    names = ["user", "item", "time", "weight", "kind"][: len(rows[0])]
    table = pl.DataFrame(rows, schema=names, orient="row").with_row_index("row", offset=1)
    no_lines = pl.DataFrame(schema={**BAD_LINES, "file": pl.UInt16})
    file = pl.lit(0, pl.UInt16).alias("file")
    return parse(RowBatch(table.with_columns(file), no_lines), p or settings())


def test_events_come_by_time_with_codes_into_the_ids_they_name() -> None:
    events = parsed([("bob", "x", START + 1, 2.0), ("ann", "x", START, 1.0)])
    assert events.users.rows() == [("bob", (START + 1) * US), ("ann", START * US)]
    assert events.items.rows() == [("x", START * US)], "the first time of an id"
    table = events.events
    assert table["us"].to_list() == [START * US, (START + 1) * US]
    assert [events.users["id"][code] for code in table["user"]] == ["ann", "bob"]
    assert table["weight"].to_list() == [1.0, 2.0] and table["row"].to_list() == [2, 1]
    assert len(events.bad) == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((None, "x", START, 1.0), "no user"),
        (("ann", None, START, 1.0), "no item"),
        (("", "x", START, 1.0), "user id empty"),
        (("ann", "x" * 1025, START, 1.0), "item id too long"),
        (("a\nb", "x", START, 1.0), "user id broken"),
        (("ann", "x", None, 1.0), "time unreadable"),
        (("ann", "x", 0, 1.0), "time before earliest"),
        (("ann", "x", 4_000_000_000, 1.0), "time after latest"),
        (("ann", "x", START, None), "weight unreadable"),
        (("ann", "x", START, float("inf")), "weight unreadable"),
        (("ann", "x", START, -1.0), "weight negative"),
        ((None, None, None, -1.0), "no user"),
    ],
)
def test_a_bad_row_has_the_first_reason_that_holds(row: tuple[Any, ...], reason: str) -> None:
    events = parsed([("bob", "y", START, 1.0), row])
    assert events.bad.select("row", "reason", "file").rows() == [(2, reason, 0)]
    assert len(events.events) == 1
    assert events.users["id"].to_list() == ["bob"], "no id of a bad row gets a number"


def test_a_bad_row_is_shown_as_it_stood() -> None:
    events = parsed([("ann", None, START, 1.5), ("bob", "y", START, 1.0)])
    assert events.bad["text"].to_list() == [f"ann | null | {START} | 1.5"]


def test_what_a_rule_leaves_out_keeps_its_ids_and_shows_no_text() -> None:
    p = settings(prepare__min_weight=2.0)
    events = parsed([("ann", "x", START, 1.0), ("bob", "y", START, 2.0)], p)
    assert events.bad.rows() == [(1, "weight below minimum", None, None, 0)]
    assert set(events.users["id"]) == {"ann", "bob"} and len(events.events) == 1


def test_an_unnamed_column_is_the_same_for_every_event() -> None:
    p = settings(prepare__events__columns=event_columns(weight=None))
    table = parsed([("ann", "x", START)], p).events
    assert table["weight"].to_list() == [1.0] and table["sequence"].to_list() == [0]


def test_a_sequence_that_is_no_number_is_told() -> None:
    p = settings(prepare__events__columns=event_columns(weight=None, sequence="weight"))
    events = parsed([("ann", "x", START, "3"), ("ann", "x", START, "third")], p)
    assert events.events["sequence"].to_list() == [3]
    assert events.bad["reason"].to_list() == ["sequence unreadable"]


def test_a_batch_without_a_row_gives_nothing() -> None:
    events = parsed([("ann", "x", START, 1.0), ("ann", "x", None, 1.0)])
    nothing = parse(
        RowBatch(
            pl.DataFrame(schema={"row": pl.UInt32, "file": pl.UInt16})
            .with_columns(pl.lit(None, pl.String).alias(name) for name in ("user", "item"))
            .with_columns(pl.lit(None, pl.Int64).alias(name) for name in ("time", "weight")),
            events.bad.drop("value"),
        ),
        settings(),
    )
    assert len(nothing.events) == len(nothing.users) == 0 and len(nothing.bad) == 1


def test_bad_rows_of_a_parquet_file_are_set_aside(workshop: Workshop) -> None:
    bad: list[Any] = [
        (None, "x", START, 1.0),
        ("ann", None, START, 1.0),
        ("ann", "", START, 1.0),
        ("ann", "x", None, 1.0),
    ]
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("all.parquet", as_parquet([*GOOD, *bad]))
    assert workshop.prepare()["quarantined"] == {
        "item id empty": 1,
        "no item": 1,
        "no user": 1,
        "time unreadable": 1,
    }


def test_only_chosen_types_are_kept(workshop: Workshop) -> None:
    columns = event_columns(weight=None, type="kind")
    workshop.set(prepare__events__columns=columns, prepare__keep_types=["buy"])
    workshop.deliver(
        "all.csv",
        b"user,item,time,kind\na,x,1700000000,buy\na,y,1700000001,view\na,z,1700000002,\n",
    )
    assert workshop.prepare()["left_out"] == {"type not kept": 2}


def test_a_missing_weight_is_a_bad_row_where_weights_are_named(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("all.csv", as_csv(GOOD[:3]) + b"ann,x,1700000000,\n")
    assert workshop.prepare()["quarantined"] == {"weight unreadable": 1}
