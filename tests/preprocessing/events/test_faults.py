"""Bad ids are told apart, and a bad row shows the field that is wrong."""

from __future__ import annotations

import polars as pl
import pytest

from slmrec.preprocessing.events.faults import A_LIST, bad_codes, fault_name
from slmrec.preprocessing.logs.values import as_text
from tests.preprocessing.events.test_parse import parsed, settings
from tests.support.logs import START, event_columns


def test_an_id_has_one_fault_at_most() -> None:
    ids = pl.Series(
        ["fine", "", "x" * 1025, "a\nb", "a\0b", as_text(["x" * 2000], no_lists=True), None]
    )
    places = {fault: codes.to_list() for fault, codes in bad_codes(ids).items()}
    assert places == {A_LIST: [5], "empty": [1], "too long": [2], "broken": [3, 4]}


def test_faults_are_named_as_sentences() -> None:
    assert fault_name("user", A_LIST) == "user is a list, no id"
    assert fault_name("item", "empty") == "item id empty"


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (("ann", "x", "noon", "1"), "noon"),
        (("ann", "x", "5", "1"), "5"),
        (("ann", "x", str(START), "much"), "much"),
        (("", "x", str(START), "1"), ""),
        (("ann", as_text([1], no_lists=True), str(START), "1"), '["1"]'),
        ((None, "x", str(START), "1"), None),
    ],
)
def test_the_field_that_is_wrong_is_kept(row: tuple[str | None, ...], value: str | None) -> None:
    bad = parsed([row, ("ann", "x", str(START), "1")]).bad
    assert bad["value"].to_list() == [value]


def test_the_columns_of_a_sequence_are_one_field() -> None:
    columns = event_columns(weight=None, time=None, sequence=["time", "weight"])
    p = settings(prepare__events__columns=columns)
    events = parsed([("ann", "x", "7", "1"), ("ann", "x", "8", "first")], p)
    assert events.bad.select("reason", "value").rows() == [("sequence unreadable", "8 | first")]
    assert events.events["us"].to_list() == [7 * 3_600_000_000]


def test_without_a_clock_no_time_is_too_early() -> None:
    columns = event_columns(weight=None, time=None, sequence="weight")
    events = parsed(
        [("ann", "x", 0, 1), ("ann", "y", 0, 2)], settings(prepare__events__columns=columns)
    )
    assert len(events.bad) == 0 and events.events["sequence"].to_list() == [1, 2]
