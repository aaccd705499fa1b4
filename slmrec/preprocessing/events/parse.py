"""From rows as they stand to events, and the reason why a row is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.timestamps import time_in_us
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, TEXT_SHOWN, Batch

TICK_US = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
WITH_ZONE = ["%+", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"]
WITHOUT_ZONE = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
MAX_ID = 1024  # bytes; a longer id is a swallowed line or an attack, never an id
NEVER = np.iinfo(np.int64).max
LONGEST_TIME = (
    253_402_300_800_000_000  # the year 10000 in microseconds: beyond it no calendar can say a time
)
# Rows that a rule of params.yaml leaves out are no bad rows: they do not count against
# max_quarantine_share.
TYPE_NOT_KEPT = "type not kept"
WEIGHT_BELOW_MINIMUM = "weight below minimum"


@dataclass(frozen=True)
class Parsed:
    """Events of one batch with ids as codes, the ids behind the codes, and the rows that are none.

    events, by time: user u32, item u32 (codes), us i64, sequence i64, weight f32, file u16, row
    u32. users, items: id str, first_us i64, in order of code. A row left out by type or weight
    still gives its ids an index.
    """

    events: pl.DataFrame
    users: pl.DataFrame
    items: pl.DataFrame
    bad: pl.DataFrame


def parse(batch: Batch, p: PrepareParams) -> Parsed:
    """Turn rows into events. Raises DataError when a column's type can hold no id or time."""
    rows, user_ids, item_ids = _typed(batch.rows, p)
    reason = _reason(p, _bad_codes(user_ids), _bad_codes(item_ids))
    faulty = rows.select(pl.any_horizontal(reason.values()).fill_null(False)).to_series()
    bad = batch.bad
    if faulty.any():
        bad = pl.concat([bad, _explain(rows.filter(faulty), batch.rows.filter(faulty), reason)])
        rows = rows.filter(~faulty)
    if not rows["us"].is_sorted():  # most logs are written as time goes
        rows = rows.sort("us", maintain_order=True)
    rows, users = _first_seen(rows, "user", user_ids)
    rows, items = _first_seen(rows, "item", item_ids)
    left_out = _rules(p)
    if left_out:
        dropped = rows.select(pl.any_horizontal(left_out.values()).fill_null(False)).to_series()
        bad = pl.concat(
            [bad, _explain(rows.filter(dropped), batch.rows.filter(pl.lit(False)), left_out)]
        )
        rows = rows.filter(~dropped)
    return Parsed(
        rows.select("user", "item", "us", "sequence", "weight", "file", "row"), users, items, bad
    )


def _typed(raw: pl.DataFrame, p: PrepareParams) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    c = p.events.columns
    user, user_ids = _coded(_as_id(raw[c.user]))
    item, item_ids = _coded(_as_id(raw[c.item]))
    columns: dict[str, Any] = {
        "user": user,
        "item": item,
        "us": _as_us(raw[c.time], p.events.time_format),
        "sequence": _as_number(raw[c.sequence], pl.Int64) if c.sequence else pl.lit(0, pl.Int64),
        "weight": _as_number(raw[c.weight], pl.Float64) if c.weight else pl.lit(1.0, pl.Float32),
        "file": raw["file"],
        "row": raw["row"],
    }
    if c.type:
        columns["type"] = raw[c.type].cast(pl.String)
    rows = pl.select(**columns).with_columns(pl.col("weight").cast(pl.Float32))
    return rows, user_ids, item_ids


def _as_id(column: pl.Series) -> pl.Series:
    """An id as text: whole numbers without a point, 16 bytes as a UUID."""
    if column.dtype == pl.Binary:
        digits = column.bin.encode("hex")
        parts = [
            digits.str.slice(start, length)
            for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
        ]
        return pl.select(
            pl.when(digits.str.len_bytes() == 32).then(pl.concat_str(parts, separator="-"))
        ).to_series()
    if column.dtype.is_float():
        # pandas turns whole numbers into floats as soon as one is missing
        whole = column.cast(pl.Int64, strict=False)
        return pl.select(pl.when(whole == column).then(whole)).to_series().cast(pl.String)
    if not (
        column.dtype.is_integer() or column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)
    ):
        raise DataError(
            f"column {column.name} is {column.dtype}, which is no id; name another column in params.yaml"
        )
    return column.cast(pl.String)


def _coded(ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Codes of ids, null for none, and the id of each code."""
    kind = pl.Categorical(pl.Categories.random())
    held = ids.cast(kind)  # Polars forgets the codes of a Categories as soon as no column uses it
    codes = held.to_physical()
    found = codes.drop_nulls().to_numpy()
    each = pl.DataFrame(
        {"code": np.arange(int(found.max()) + 1 if len(found) else 0, dtype=np.uint32)}
    )
    return codes, each.select(pl.col("code").cat.to(kind).cast(pl.String)).to_series()


def _bad_codes(ids: pl.Series) -> dict[str, pl.Series]:
    too_long = ids.str.len_bytes() > MAX_ID
    broken = ids.str.contains("\0", literal=True) | ids.str.contains("\n", literal=True)
    faults = {"empty": ids == "", "too long": too_long, "broken": broken & ~too_long}
    return {what: found.arg_true() for what, found in faults.items()}


def _as_us(column: pl.Series, time_format: str) -> pl.Series:
    """Microseconds since 1970 UTC, null where unreadable. A typed timestamp carries its own unit; without a zone it is UTC."""
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.epoch("us")
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if time_format in TICK_US:
        return _epoch(column, TICK_US[time_format])
    formats, zone = (WITH_ZONE, "UTC") if time_format == "iso8601" else (WITHOUT_ZONE, None)
    text = column.cast(pl.String)
    found = text.str.to_datetime(formats[0], time_unit="us", time_zone=zone, strict=False)
    for form in formats[1:]:
        if found.null_count() == text.null_count():
            break
        rest = pl.when(found.is_null()).then(text).otherwise(None)
        more = (
            pl.select(rest)
            .to_series()
            .str.to_datetime(form, time_unit="us", time_zone=zone, strict=False)
        )
        found = pl.select(pl.coalesce(found, more)).to_series()
    return found.dt.epoch("us")


def _epoch(column: pl.Series, tick: int) -> pl.Series:
    whole = (
        column.cast(pl.Int64, strict=False)
        if not column.dtype.is_float()
        else pl.Series([None], dtype=pl.Int64)
    )
    limit = LONGEST_TIME // tick
    if whole.null_count() == column.null_count():
        return whole.clip(-limit, limit) * tick
    exact = column.cast(pl.Float64, strict=False).clip(-limit, limit)
    return (
        pl.select(pl.when(exact.is_finite()).then(exact * tick))
        .to_series()
        .round()
        .cast(pl.Int64, strict=False)
    )


def _as_number(column: pl.Series, kind: type[pl.DataType]) -> pl.Series:
    return column.cast(kind, strict=False)


def _reason(
    p: PrepareParams, users: dict[str, pl.Series], items: dict[str, pl.Series]
) -> dict[str, pl.Expr]:
    """Why a row is bad: the first reason that is true, in this order."""
    checks = {"no user": pl.col("user").is_null(), "no item": pl.col("item").is_null()}
    for name, codes in (("user", users), ("item", items)):
        checks |= {
            f"{name} id {what}": pl.col(name).is_in(found.implode())
            for what, found in codes.items()
            if len(found)
        }
    return checks | {
        "time unreadable": pl.col("us").is_null(),
        "time before earliest": pl.col("us") < time_in_us(p.earliest),
        "time after latest": pl.col("us") > time_in_us(p.latest),
        "sequence unreadable": pl.col("sequence").is_null(),
        "weight unreadable": pl.col("weight").is_null() | ~pl.col("weight").is_finite(),
        "weight negative": pl.col("weight") < 0,
    }


def _rules(p: PrepareParams) -> dict[str, pl.Expr]:
    rules = {}
    if p.events.columns.type and p.keep_types:
        rules[TYPE_NOT_KEPT] = ~pl.col("type").is_in(p.keep_types).fill_null(False)
    if p.min_weight is not None:
        rules[WEIGHT_BELOW_MINIMUM] = pl.col("weight") < p.min_weight
    return rules


def _explain(rows: pl.DataFrame, raw: pl.DataFrame, reasons: dict[str, pl.Expr]) -> pl.DataFrame:
    """Rows as BAD_LINES; `raw` gives the text shown, or is empty where none is wanted."""
    why = pl.coalesce(
        [pl.when(found.fill_null(False)).then(pl.lit(name)) for name, found in reasons.items()]
    )
    columns = [
        pl.col(name).cast(pl.String, strict=False).fill_null("null").str.slice(0, TEXT_SHOWN)
        for name in raw.columns
        if name not in ("file", "row")
    ]
    texts = (
        raw.select(pl.concat_str(columns, separator=" | ").str.slice(0, TEXT_SHOWN)).to_series()
        if len(raw)
        else None
    )
    shown = (
        pl.Series([None], dtype=pl.String).new_from_index(0, len(rows)) if texts is None else texts
    )
    return (
        rows.select("row", reason=why, file="file")
        .with_columns(text=shown)
        .select(*BAD_LINES, "file")
        .cast(BAD_LINES)
    )


def _first_seen(rows: pl.DataFrame, name: str, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows (by time) with codes that leave out ids no good row names, and the ids with their first times."""
    codes, us = rows[name].to_numpy(), rows["us"].to_numpy()
    first = np.full(len(ids), NEVER)
    first[codes[::-1]] = us[::-1]  # the last one written is the earliest
    seen = first < NEVER
    renumbered = (np.cumsum(seen) - 1).astype(np.uint32)[codes]
    table = pl.DataFrame({"id": ids.filter(pl.Series(seen)), "first_us": first[seen]})
    return rows.with_columns(pl.Series(name, renumbered)), table
