"""Times as microseconds since 1970 UTC, and back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from slmrec.core.errors import UsageError
from slmrec.preprocessing.events.timestamps import format_time, month_of, parse_time


@pytest.fixture
def zone_of_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("1970-01-01T00:00:01.5", 1.5),
    ],
)
def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    text: str, seconds: float, zone_of_new_york: None
) -> None:
    assert parse_time(text) == seconds * 1_000_000


def test_what_is_no_time_is_told() -> None:
    with pytest.raises(UsageError, match=r"'soon' is not an ISO 8601 time like 2026-"):
        parse_time("soon")


def test_a_formatted_time_reads_back_as_the_same_microsecond() -> None:
    for us in (0, 1, 1_700_000_000_000_000, 1_700_000_000_123_456, -1):
        assert parse_time(format_time(us)) == us
    assert format_time(1_700_000_000_000_000) == "2023-11-14T22:13:20Z"


def test_the_month_of_a_time_is_the_one_in_utc() -> None:
    assert month_of(parse_time("2023-11-30T23:59:59.999999Z")) == "2023-11"
    assert month_of(parse_time("2023-12-01T00:30:00+01:00")) == "2023-11"
