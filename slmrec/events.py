"""From rows of text to events, and the reason why a row is none."""

from __future__ import annotations

import polars as pl

from slmrec.logs import ROW
from slmrec.params import PrepareParams
from slmrec.splitting import time_in_us

TICKS = {"epoch_s": 1_000_000.0, "epoch_ms": 1_000.0, "epoch_us": 1.0}  # microseconds each
MAX_ID = 1024  # bytes; a longer id is a swallowed line or an attack, never an id


def parse(rows: pl.LazyFrame, p: PrepareParams) -> pl.LazyFrame:
    """Columns row, user, item, us, sequence, weight, reason (null for a good row) and text, one row each of `rows`."""
    columns = p.events.columns
    sequence = pl.col(columns.sequence).cast(pl.Int64, strict=False) if columns.sequence else pl.lit(0, pl.Int64)
    weight = pl.col(columns.weight).cast(pl.Float32, strict=False) if columns.weight else pl.lit(1.0, pl.Float32)
    parsed = rows.select(
        ROW,
        user=pl.col(columns.user).cast(pl.String),
        item=pl.col(columns.item).cast(pl.String),
        us=_time(pl.col(columns.time), p.events.time_format),
        sequence=sequence,
        weight=weight,
        text=pl.concat_str(pl.exclude(ROW).cast(pl.String), separator=" | ", ignore_nulls=True).str.slice(0, 200),
    )
    return parsed.with_columns(reason=_reason(p))


def _time(column: pl.Expr, time_format: str) -> pl.Expr:
    if time_format == "iso8601":
        return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.epoch("us")
    whole = column.cast(pl.Int64, strict=False).cast(pl.Float64)
    return (pl.coalesce(whole, column.cast(pl.Float64, strict=False)) * TICKS[time_format]).round().cast(pl.Int64, strict=False)


def _reason(p: PrepareParams) -> pl.Expr:
    checks = {
        "no user": pl.col("user").is_null(),
        "no item": pl.col("item").is_null(),
        "user id too long": pl.col("user").str.len_bytes() > MAX_ID,
        "item id too long": pl.col("item").str.len_bytes() > MAX_ID,
        "time unreadable": pl.col("us").is_null(),
        "time before the earliest": pl.col("us") < time_in_us(p.earliest),
        "time after the latest": pl.col("us") > time_in_us(p.latest),
        "order unreadable": pl.col("sequence").is_null(),
        "weight unreadable": pl.col("weight").is_null() | pl.col("weight").is_nan(),
        "weight negative": pl.col("weight") < 0,
    }
    reason: pl.Expr = pl.lit(None, pl.String)
    for name, found in reversed(checks.items()):
        reason = pl.when(found.fill_null(False)).then(pl.lit(name)).otherwise(reason)
    return reason
