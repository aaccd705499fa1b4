"""The setting that would read the bad rows is named, and no advice is given that does not help."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.advice import (
    PATTERNS,
    RAISE,
    BadRows,
    advise,
    fitting_formats,
)
from slmrec.preprocessing.events.typed_columns import as_us
from tests.support.logs import event_columns, params


def settings(time_format: str = "epoch_s", **changes: Any) -> PrepareParams:
    changes = {"prepare__earliest": "1990-01-01T00:00:00Z", **changes}
    named = {"prepare__events__time_format": time_format, **changes}
    return PrepareParams.model_validate(params(**named)["prepare"])


def advice(reason: str, values: list[str | None], p: PrepareParams, bad: int, rows: int) -> str:
    """What is advised where `bad` of `rows` rows have a reason, in the only file."""
    counts = Counter({reason: bad})
    return advise(BadRows("events", counts, rows, bad / rows, lambda _: pl.Series(values)), p)


@pytest.mark.parametrize(
    ("times", "time_format", "formats"),
    [
        (["1400231096000", "1400231097000"], "epoch_s", ["epoch_ms"]),
        (["1400231096000000"], "epoch_ms", ["epoch_us"]),
        (["1400231096"], "epoch_ms", ["epoch_s"]),
        (["1400231096"], "iso8601", ["epoch_s"]),
        (["2014-05-16T09:04:56Z"], "iso8601_utc", ["iso8601"]),
        (["2014-05-16 09:04:56"], "iso8601", ["iso8601_utc"]),
        (["2014-05-16"], "epoch_s", ["date"]),
        (["5/16/2014 10:36:58 PM"], "iso8601_utc", ["%m/%d/%Y %I:%M:%S %p"]),
        (["16.05.2014 22:36"], "epoch_s", ["%d.%m.%Y %H:%M"]),
        (["5/6/2014", "7/8/2014"], "epoch_s", ["%m/%d/%Y", "%d/%m/%Y"]),
        (["5/6/2014", "7/28/2014"], "epoch_s", ["%m/%d/%Y"]),
        (["Fri May 16 10:36:58 -0700 2014"], "epoch_s", ["%a %b %d %H:%M:%S %z %Y"]),
        (["9 5, 2014"], "epoch_s", ["%m %d, %Y"]),
        (["noon", "night"], "epoch_s", []),
        ([None], "epoch_s", []),
        (["1400231096000", *["noon"] * 3], "epoch_s", []),
    ],
)
def test_the_format_that_reads_nearly_all_times_is_found(
    times: list[str | None], time_format: str, formats: list[str]
) -> None:
    texts = pl.Series(times, dtype=pl.String)
    assert fitting_formats(texts, settings(time_format)) == formats


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_can_be_read(pattern: str) -> None:
    as_us(pl.Series(["x"]), pattern)


def test_a_time_format_is_to_be_set_where_most_times_are_in_it() -> None:
    named = "set prepare.events.time_format: epoch_ms in params.yaml, which reads such times"
    assert advice("time after latest", ["1400231096000"], settings(), 50, 100) == named
    few = advice("time after latest", ["1400231096000"], settings(), 3, 100)
    assert few == "these are epoch_ms, and most times are not: write all of them alike"
    pattern = advice("time unreadable", ["5/16/2014"], settings(), 9, 9)
    assert 'time_format: "%m/%d/%Y" in' in pattern, "in quotes, as YAML wants it"


def test_numbers_of_orders_are_no_clock() -> None:
    columns = event_columns(weight=None, time="order", sequence="place")
    p = settings(prepare__events__columns=columns)
    advised = advice("time before earliest", ["1", "2"], p, 9, 9)
    assert "set prepare.events.columns.time: null and sequence: [order, place] in" in advised
    assert "leave_one_out" in advised
    assert "time: null" not in advice("time before earliest", ["-5"], p, 9, 9)
    assert "null" not in advice("time unreadable", ["20"], settings("%d %m %Y"), 9, 9)


def test_the_share_is_raised_only_where_most_rows_are_good() -> None:
    assert advice("no user", ["null"], settings(), 3, 100) == RAISE
    for bad in (50, 100):
        assert "raise" not in advice("no user", ["null"], settings(), bad, 100)


def test_the_kind_of_the_text_is_doubted_where_the_lines_say_so() -> None:
    assert "prepare.events.encoding" in advice("not UTF-8", [None], settings(), 3, 100)
    assert "format, delimiter and header" in advice("malformed line", [None], settings(), 60, 100)
    assert advice("malformed line", [None], settings(), 3, 100) == RAISE
