"""Ids, times and numbers of any type of column mean the same."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.events.typed_columns import as_id, as_us
from tests.support.logs import Workshop

UUID = "12345678-1234-5678-1234-567812345678"
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pl.Series([7, None]), ["7", None]),
        (pl.Series([7.0, None, 7.5]), ["7", None, None]),
        (pl.Series(["7", "a b", None]), ["7", "a b", None]),
        (pl.Series(["x", "y"], dtype=pl.Categorical), ["x", "y"]),
        (pl.Series([None], dtype=pl.Null), [None]),
        (pl.Series([bytes.fromhex(UUID.replace("-", "")), b"short"]), [UUID, None]),
    ],
    ids=["integers", "floats", "text", "categories", "nulls", "uuids"],
)
def test_ids_are_text(column: pl.Series, ids: list[str | None]) -> None:
    assert as_id(column).to_list() == ids


def test_a_column_that_can_hold_no_id_is_told() -> None:
    with pytest.raises(DataError, match="column when is Date, which is no id; name another"):
        as_id(pl.Series("when", [date(2026, 11, 23)]))


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
    ],
)
def test_times_become_microseconds_and_null_where_unreadable(
    values: list[Any], time_format: str, seconds: list[float | None]
) -> None:
    us = as_us(pl.Series("t", values), time_format)
    assert us.to_list() == [value if value is None else value * SECOND for value in seconds]


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


def test_ids_may_be_numbers_uuids_or_text_and_mean_the_same(workshop: Workshop) -> None:
    columns = {
        "user": [bytes.fromhex(UUID.replace("-", ""))],
        "item": [7.0],
        "time": [1_700_000_000],
        "weight": [1],
    }
    path = Path("data/logs/all.parquet")
    path.parent.mkdir(parents=True)
    pl.DataFrame(columns).write_parquet(path)
    workshop.deliver("text.csv", f"user,item,time,weight\n{UUID},7,1700000001,1\n".encode())
    workshop.prepare()
    assert workshop.events().select("user", "item").unique().rows() == [(UUID, "7")]
