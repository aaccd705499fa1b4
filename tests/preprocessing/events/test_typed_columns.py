"""Times of any type of column and any format mean the same."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.preprocessing.events.timestamps import format_time
from slmrec.preprocessing.events.typed_columns import (
    as_sequence,
    as_text,
    as_us,
    in_one,
    without_clock,
)
from tests.support.logs import Workshop

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("values", "time_format", "seconds"),
    [
        ([17, None], "epoch_s", [17, None]),
        ([17.0, None, 18.5], "epoch_s", [17, None, 18.5]),
        ([17.0, float("nan"), float("inf")], "epoch_s", [17, None, 253_402_300_800]),
        (["17", "1.75e1", "soon"], "epoch_s", [17, 17.5, None]),
        ([17.000_000_9], "epoch_s", [17.000_001]),
        ([17_000], "epoch_ms", [17]),
        ([17_000_000], "epoch_us", [17]),
        (["1970-01-01T00:00:17Z", "1970-01-01T01:00:17+01:00"], "iso8601", [17, 17]),
        (["1970-01-01 00:00:17+00:00", "1970-01-01T00:01Z"], "iso8601", [17, 60]),
        (["1970-01-01T00:00:17"], "iso8601", [None]),
        (["1970-01-01 00:00:17.5", "1970-01-01T00:01", "x"], "iso8601_utc", [17.5, 60, None]),
        ([datetime(1970, 1, 1, 0, 0, 17)], "epoch_ms", [17]),
        ([date(1970, 1, 2)], "epoch_s", [86_400]),
        (["1970-01-02", "1970/01/03", "19700104", "4"], "date", [86_400, 172_800, 259_200, None]),
        ([19700102], "date", [86_400]),
        (["1/2/1970 1:00:17 PM", "13/2/1970"], "%m/%d/%Y %I:%M:%S %p", [133_217, None]),
        (["02.01.1970", "x", None], "%d.%m.%Y", [86_400, None, None]),
        (["1970-01-01 00:00:17.5"], "%Y-%m-%d %H:%M:%S.%f", [17.5]),
        (["Thu Jan 01 01:00:17 +0100 1970"], "%a %b %d %H:%M:%S %z %Y", [17]),
    ],
)
def test_times_become_microseconds_and_null_where_unreadable(
    values: list[Any], time_format: str, seconds: list[float | None]
) -> None:
    us = as_us(pl.Series("t", values), time_format)
    assert us.to_list() == [value if value is None else value * SECOND for value in seconds]


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("t", [[1]]),
        pl.Series("t", [{"a": 1}]),
        pl.Series("t", [b"17"]),
        pl.Series("t", [True]),
        pl.Series("t", [time(1)]),
    ],
    ids=str,
)
def test_a_column_that_can_hold_no_time_is_told(column: pl.Series) -> None:
    with pytest.raises(DataError, match=r"column t is .*, which is no time; name another"):
        as_us(column, "epoch_s")


def test_nested_numbers_are_told() -> None:
    with pytest.raises(DataError, match=r"column n is List\(Int64\), which is no number"):
        as_sequence(pl.Series("n", [[1]]))


def test_text_is_made_of_any_type() -> None:
    assert as_text(pl.Series([["a", "b"], None])).to_list() == ['["a","b"]', None]
    assert as_text(pl.Series([{"en": "x"}])).to_list() == ['{"en":"x"}']
    assert as_text(pl.Series([b"caf\xe9", None])).to_list() == ["caf\ufffd", None]
    assert as_text(pl.Series([1, None])).to_list() == ["1", None]


def test_a_pattern_that_reads_no_time_is_told() -> None:
    with pytest.raises(
        UsageError, match=r"time_format is '%Y %H', which reads no time \(.*strptime"
    ):
        as_us(pl.Series(["2026 17"]), "%Y %H")


def test_without_a_clock_the_sequence_counts_hours() -> None:
    us = without_clock(pl.Series([0, 25, None, 10**15, -(10**15)]))
    assert us.to_list()[:3] == [0, 25 * 3600 * SECOND, None]
    for extreme in us.to_list()[3:]:
        assert format_time(extreme)[4:5] == "-", "within the years of a calendar"


def test_a_sequence_may_be_whole_numbers_written_as_floats() -> None:
    assert as_sequence(pl.Series(["3.0", "4", "1e2", "3.5", "x", None])).to_list() == [
        *(3, 4, 100),
        *(None, None, None),
    ]
    assert as_sequence(pl.Series([3.0, None])).to_list() == [3, None]
    assert as_sequence(pl.Series([str(2**62)])).to_list() == [2**62]


def test_numbers_of_several_columns_order_one_after_the_other() -> None:
    rows = [(1, 5, 0), (1, 5, 1), (1, 6, 0), (2, 0, 0), (-1, 9, 9)]
    keys = in_one([pl.Series(numbers) for numbers in zip(*rows, strict=True)]).to_list()
    assert sorted(rows) == [rows[place] for place in sorted(range(5), key=lambda at: keys[at])]
    no_room = in_one([pl.Series([1, 2**50, None, 1]), pl.Series([-1, 1, 1, 2**20])])
    assert no_room.to_list() == [None] * 4
    assert in_one([pl.Series([2**62])]).to_list() == [2**62], "one column alone is as it is"


def test_times_beyond_all_calendars_are_kept_at_their_edge() -> None:
    us = as_us(pl.Series([10**17, -(10**17)]), "epoch_s").to_list()
    assert us == [253_402_300_800 * SECOND, -253_402_300_800 * SECOND]


def test_times_mean_the_same_in_every_format(workshop: Workshop) -> None:
    texts = {
        "epoch_s": "1700000000",
        "epoch_ms": "1700000000000",
        "epoch_us": "1700000000000000",
        "iso8601": "2023-11-14T23:13:20+01:00",
        "iso8601_utc": "2023-11-14 22:13:20",
        "%m/%d/%Y %I:%M:%S %p": "11/14/2023 10:13:20 PM",
    }
    for time_format, text in texts.items():
        workshop.clear()
        workshop.set(prepare__events__time_format=time_format)
        workshop.deliver("all.csv", f"user,item,time,weight\nann,x,{text},1\n".encode())
        workshop.prepare()
        assert workshop.events()["time"].dt.epoch("s").to_list() == [1_700_000_000], time_format


def test_a_time_without_a_zone_is_unreadable_where_zones_are_promised(workshop: Workshop) -> None:
    workshop.set(prepare__events__time_format="iso8601", prepare__max_quarantine_share=1.0)
    workshop.deliver(
        "all.csv",
        b"user,item,time,weight\nann,x,2023-11-14T22:13:20,1\nann,x,2023-11-14T22:13:20Z,1\n",
    )
    assert workshop.prepare()["quarantined"] == {"time unreadable": 1}
