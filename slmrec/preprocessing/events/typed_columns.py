"""Columns of raw logs as ids, times and numbers, null where a value is none."""

from __future__ import annotations

import polars as pl

from slmrec.core.errors import DataError

TICK_US = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
WITH_ZONE = ["%+", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"]
WITHOUT_ZONE = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
LONGEST_TIME = 253_402_300_800_000_000  # the year 10000 in microseconds, where calendars end
UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))  # start and length in hex digits
UUID_DIGITS = 32


def as_id(column: pl.Series) -> pl.Series:
    """Ids as text: whole numbers without a point, 16 bytes as a UUID.

    Raises DataError when the column's type can hold no id.
    """
    if column.dtype == pl.Binary:
        return _as_uuid(column)
    if column.dtype.is_float():
        # pandas turns whole numbers into floats as soon as one is missing
        whole = column.cast(pl.Int64, strict=False)
        return pl.select(pl.when(whole == column).then(whole)).to_series().cast(pl.String)
    texts = (pl.String, pl.Categorical, pl.Enum, pl.Null)
    if not (column.dtype.is_integer() or column.dtype in texts):
        raise DataError(
            f"column {column.name} is {column.dtype}, which is no id; "
            "name another column in params.yaml"
        )
    return column.cast(pl.String)


def _as_uuid(column: pl.Series) -> pl.Series:
    digits = column.bin.encode("hex")
    parts = [digits.str.slice(start, length) for start, length in UUID_PARTS]
    text = pl.concat_str(parts, separator="-")
    return pl.select(pl.when(digits.str.len_bytes() == UUID_DIGITS).then(text)).to_series()


def as_us(column: pl.Series, time_format: str) -> pl.Series:
    """Microseconds since 1970 UTC.

    A typed timestamp carries its own unit; without a zone it is UTC.
    """
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.epoch("us")
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if time_format in TICK_US:
        return _from_epoch(column, TICK_US[time_format])
    if time_format == "iso8601":
        return _from_text(column.cast(pl.String), WITH_ZONE, "UTC")
    return _from_text(column.cast(pl.String), WITHOUT_ZONE, None)


def _from_text(text: pl.Series, formats: list[str], zone: str | None) -> pl.Series:
    times = text.str.to_datetime(formats[0], time_unit="us", time_zone=zone, strict=False)
    for time_format in formats[1:]:
        if times.null_count() == text.null_count():
            break
        rest = pl.select(pl.when(times.is_null()).then(text).otherwise(None)).to_series()
        more = rest.str.to_datetime(time_format, time_unit="us", time_zone=zone, strict=False)
        times = pl.select(pl.coalesce(times, more)).to_series()
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
