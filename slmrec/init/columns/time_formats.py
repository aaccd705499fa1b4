"""In which unit or format a column holds times, found by trying its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # no logs of clicks and purchases are older
LATEST = datetime(2035, 1, 1, tzinfo=UTC)  # fixed, so that the same files read the same on any day
TICKS = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
NUMBER = re.compile(r"-?\d{1,20}(\.\d*)?([eE]\+?\d+)?")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
ISO_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)")
ISO_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?")
DAY_FIRST, MONTH_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"), ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y")
SHORT_YEAR = ("%m/%d/%y", "%d/%m/%y")
CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %H:%M:%S", ", %H:%M")
PATTERNS = (
    "%Y-%m-%d %H:%M:%S UTC",
    *(f"%Y/%m/%d{clock}" for clock in CLOCKS),
    *(f"%Y.%m.%d{clock}" for clock in CLOCKS),
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%d %H:%M:%S",
    *(f"{date}{clock}" for date in (*MONTH_FIRST, *DAY_FIRST, *SHORT_YEAR) for clock in CLOCKS),
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    *(f"%b %d, %Y{clock}" for clock in CLOCKS),
    *(f"%B %d, %Y{clock}" for clock in CLOCKS),
    *(f"%d %b %Y{clock}" for clock in CLOCKS),
    *(f"%d %B %Y{clock}" for clock in CLOCKS),
    *(f"%d-%b-%Y{clock}" for clock in CLOCKS),
    *(f"%d-%b-%y{clock}" for clock in CLOCKS),
    "%m %d, %Y",
)
VALUES_TRIED = 400  # distinct ones of a column
MIN_SHARE = 0.9  # of the values that must be times for the column to hold times


@dataclass(frozen=True)
class TimeFormat:
    """A `time_format` of prepare, the share of values that it reads as times, and its rivals.

    `rivals` read as many values, to other times (3/4/2020 is in March or in April).
    """

    name: str
    share: float
    rivals: tuple[str, ...] = ()


def find_time_format(values: Sequence[str]) -> TimeFormat | None:
    """The format in which most of the values (no empty ones) are times between 1990 and 2035."""
    tried = list(dict.fromkeys(values))[:VALUES_TRIED]
    if not tried:
        return None
    if sum(NUMBER.fullmatch(value) is not None for value in tried) >= MIN_SHARE * len(tried):
        return _best([_of_ticks(name, tried) for name in TICKS] + [_of_pattern("%Y%m%d", tried)])
    fixed = (("date", ISO_DATE), ("iso8601", ISO_ZONED), ("iso8601_utc", ISO_PLAIN))
    iso = [TimeFormat(name, _share(tried, _iso_reader(form))) for name, form in fixed]
    if best := _best(iso):
        return best
    return _best([_of_pattern(pattern, tried) for pattern in PATTERNS])


def _best(formats: list[TimeFormat]) -> TimeFormat | None:
    best = max(formats, key=lambda tried: tried.share)
    if best.share < MIN_SHARE:
        return None
    rivals = tuple(
        other.name
        for other in formats
        if other.share == best.share and _reads_otherwise(other.name, best.name)
    )
    return TimeFormat(best.name, best.share, rivals)


def _reads_otherwise(left: str, right: str) -> bool:
    return {left.find("%d") < left.find("%m"), right.find("%d") < right.find("%m")} == {True, False}


def _of_ticks(name: str, values: list[str]) -> TimeFormat:
    return TimeFormat(name, _share(values, lambda value: _from_epoch(float(value), TICKS[name])))


def _of_pattern(pattern: str, values: list[str]) -> TimeFormat:
    head = values[:20]  # most patterns read none of them
    if not any(_is_plausible(_from_pattern(value, pattern)) for value in head):
        return TimeFormat(pattern, 0.0)
    return TimeFormat(pattern, _share(values, lambda value: _from_pattern(value, pattern)))


def _share(values: Iterable[str], reader: Callable[[str], datetime | None]) -> float:
    readable = [_is_plausible(_read_or_none(reader, value)) for value in values]
    return sum(readable) / len(readable)


def _read_or_none(reader: Callable[[str], datetime | None], value: str) -> datetime | None:
    try:
        return reader(value.strip())
    except (ValueError, OverflowError):
        return None


def _is_plausible(time: datetime | None) -> bool:
    return time is not None and EARLIEST <= time < LATEST


def _from_epoch(number: float, tick: int) -> datetime | None:
    seconds = number / tick
    in_range = EARLIEST.timestamp() <= seconds < LATEST.timestamp()
    return datetime.fromtimestamp(seconds, UTC) if in_range else None


def _iso_reader(form: re.Pattern[str]) -> Callable[[str], datetime | None]:
    def reader(value: str) -> datetime | None:
        return _zoned(datetime.fromisoformat(value)) if form.fullmatch(value) else None

    return reader


def _from_pattern(value: str, pattern: str) -> datetime | None:
    try:
        return _zoned(datetime.strptime(value, pattern))
    except ValueError:
        return None


def _zoned(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def read_time(value: str, time_format: str) -> datetime | None:
    """The time that a value says in a format of prepare, or None where it says none."""
    if time_format in TICKS:
        return _read_or_none(lambda text: _from_epoch(float(text), TICKS[time_format]), value)
    if "%" in time_format:
        return _from_pattern(value.strip(), time_format)
    return _read_or_none(lambda text: _zoned(datetime.fromisoformat(text)), value)
