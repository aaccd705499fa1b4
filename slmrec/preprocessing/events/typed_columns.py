"""Columns of raw logs as times, null where a value is none."""

from __future__ import annotations

import polars as pl

from slmrec.core.errors import DataError, UsageError

TICK_US = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
WITH_ZONE = ["%+", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"]
WITHOUT_ZONE = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
DATES = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"]
LATER_BITS = 20  # of a sequence of several columns, for each but the first
HOUR_US = 3_600_000_000
MOST_HOURS = 17_000_000  # 1,939 years
LONGEST_TIME = 253_402_300_800_000_000  # the year 10000 in microseconds, where calendars end


def check_scalars(column: pl.Series, what: str) -> pl.Series:
    """The column; raises DataError when its type can hold no `what` (a time, a number, a text)."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(
            f"column {column.name} is {column.dtype}, which is no {what}; name another column in "
            "params.yaml"
        )
    return column


def as_text(column: pl.Series) -> pl.Series:
    """Text of a column of any type: lists and objects as JSON, what is no UTF-8 replaced."""
    if column.dtype == pl.Binary:
        texts = [value and value.decode(errors="replace") for value in column]
        return pl.Series(column.name, texts, dtype=pl.String)
    if not column.dtype.is_nested():
        return column.cast(pl.String, strict=False)
    name = "value"
    json = column.alias(name).to_frame().to_struct().struct.json_encode()
    text = json.str.strip_prefix(f'{{"{name}":').str.head(-1)
    return pl.select(pl.when(column.is_not_null()).then(text).alias(column.name)).to_series()


def as_us(column: pl.Series, time_format: str) -> pl.Series:
    """Microseconds since 1970 UTC.

    A typed timestamp carries its own unit; without a zone it is UTC.
    """
    check_scalars(column, "time")
    if column.dtype in (pl.Boolean, pl.Time, pl.Duration):
        raise DataError(
            f"column {column.name} is {column.dtype}, which is no time; name another column in "
            "params.yaml"
        )
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.epoch("us")
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if time_format in TICK_US:
        return _from_epoch(column, TICK_US[time_format])
    text = column.cast(pl.String)
    if time_format == "date":
        return _from_text(text, DATES, None)
    if "%" in time_format:
        return _from_pattern(text, time_format)
    if time_format == "iso8601":
        return _from_text(text, WITH_ZONE, "UTC")
    return _from_text(text, WITHOUT_ZONE, None)


def without_clock(sequence: pl.Series) -> pl.Series:
    """The times of logs that have none: the number of `sequence` (int64) as hours since 1970.

    The tables need a time. Hours spread the numbers of orders and of rows alike over days, which
    events are kept by; numbers beyond all calendars share the last hour, and the sequence itself
    still orders them.
    """
    return sequence.clip(-MOST_HOURS, MOST_HOURS) * HOUR_US


def as_sequence(column: pl.Series) -> pl.Series:
    """Numbers (int64) of a sequence, of whole numbers written as floats too."""
    whole = check_scalars(column, "number").cast(pl.Int64, strict=False)
    if column.dtype != pl.String or whole.null_count() == column.null_count():
        return whole
    exact = column.cast(pl.Float64, strict=False)
    floats = pl.when(exact == exact.floor()).then(exact.cast(pl.Int64, strict=False))
    return pl.select(pl.coalesce(whole, floats)).to_series()


def in_one(numbers: list[pl.Series]) -> pl.Series:
    """Numbers (int64) that order rows as several do, one after the other.

    Null where one is null, or where they have no room: those after the first lie from 0 to
    2^20 - 1, and the first takes the bits that they leave.
    """
    key = numbers[0]
    for number in numbers[1:]:
        most = 1 << (62 - LATER_BITS)
        fits = key.is_between(-most, most) & number.is_between(0, (1 << LATER_BITS) - 1)
        both = key.clip(-most, most) * (1 << LATER_BITS) + number.clip(0, 1 << LATER_BITS)
        key = pl.select(pl.when(fits).then(both)).to_series()
    return key


def _from_text(text: pl.Series, formats: list[str], zone: str | None) -> pl.Series:
    times = text.str.to_datetime(formats[0], time_unit="us", time_zone=zone, strict=False)
    for time_format in formats[1:]:
        if times.null_count() == text.null_count():
            break
        rest = pl.select(pl.when(times.is_null()).then(text).otherwise(None)).to_series()
        more = rest.str.to_datetime(time_format, time_unit="us", time_zone=zone, strict=False)
        times = pl.select(pl.coalesce(times, more)).to_series()
    return times.dt.epoch("us")


def _from_pattern(text: pl.Series, pattern: str) -> pl.Series:
    """Times by a strptime pattern; without a zone they are UTC. Raises UsageError."""
    chrono = pattern.replace(".%f", "%.f")  # what Polars calls digits after the point
    try:
        times = text.str.to_datetime(chrono, time_unit="us", strict=False)
    except pl.exceptions.ComputeError as error:
        raise UsageError(
            f"prepare.events.time_format is {pattern!r}, which reads no time "
            f"({' '.join(str(error).split())[:120]}); write a strptime pattern such as "
            '"%m/%d/%Y %H:%M"'
        ) from error
    return times.dt.epoch("us")


def _from_epoch(column: pl.Series, tick: int) -> pl.Series:
    limit = LONGEST_TIME // tick
    if not column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        if whole.null_count() == column.null_count():
            return whole.clip(-limit, limit) * tick
    exact = column.cast(pl.Float64, strict=False).clip(-limit, limit)
    us = pl.select(pl.when(exact.is_finite()).then(exact * tick)).to_series()
    return us.round().cast(pl.Int64, strict=False)
