"""Raw rows as events, and for each row that is none the reason why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.events.typed_columns import as_id, as_us
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, SHOWN_CHARACTERS, RowBatch

MAX_ID_BYTES = 1024  # a longer id is a swallowed line or an attack, never an id
NEVER = np.iinfo(np.int64).max
PARSED = ("user", "item", "us", "sequence", "weight", "file", "row")
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


def parse(batch: RowBatch, p: PrepareParams) -> Parsed:
    """Turn rows into events. Raises DataError when a column's type can hold no id."""
    rows, user_ids, item_ids = _typed(batch.rows, p)
    faults = _faults(p, _bad_codes(user_ids), _bad_codes(item_ids))
    rows, faulty = _set_apart(rows, faults, batch.rows)
    if not rows["us"].is_sorted():  # most logs are in order of time
        rows = rows.sort("us", maintain_order=True)
    rows, users = _first_seen(rows, "user", user_ids)
    rows, items = _first_seen(rows, "item", item_ids)
    rows, left_out = _set_apart(rows, _rules(p), None)
    return Parsed(rows.select(PARSED), users, items, pl.concat([batch.bad, *faulty, *left_out]))


def _typed(raw: pl.DataFrame, p: PrepareParams) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Typed columns with ids as codes, and the ids of users and of items by code."""
    c = p.events.columns
    user, user_ids = _coded(as_id(raw[c.user]))
    item, item_ids = _coded(as_id(raw[c.item]))
    columns: dict[str, Any] = {
        "user": user,
        "item": item,
        "us": as_us(raw[c.time], p.events.time_format),
        "sequence": raw[c.sequence].cast(pl.Int64, strict=False) if c.sequence else pl.lit(0),
        "weight": raw[c.weight].cast(pl.Float64, strict=False) if c.weight else pl.lit(1.0),
        "file": raw["file"],
        "row": raw["row"],
    }
    if c.type:
        columns["type"] = raw[c.type].cast(pl.String)
    rows = pl.select(**columns)
    return rows.cast({"sequence": pl.Int64, "weight": pl.Float32}), user_ids, item_ids


def _coded(ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Codes of ids, null for none, and the id of each code."""
    kind = pl.Categorical(pl.Categories.random())
    # Polars forgets the codes of a Categories as soon as no column uses it, so a name holds one.
    categorical = ids.cast(kind)
    codes = categorical.to_physical()
    used = codes.drop_nulls().to_numpy()
    size = int(used.max()) + 1 if len(used) else 0
    all_codes = pl.DataFrame({"code": np.arange(size, dtype=np.uint32)})
    return codes, all_codes.select(pl.col("code").cat.to(kind).cast(pl.String)).to_series()


def _bad_codes(ids: pl.Series) -> dict[str, pl.Series]:
    """Codes of ids that are none, by what is wrong with them."""
    too_long = ids.str.len_bytes() > MAX_ID_BYTES
    broken = ids.str.contains("\0", literal=True) | ids.str.contains("\n", literal=True)
    masks = {"empty": ids == "", "too long": too_long, "broken": broken & ~too_long}
    return {fault: mask.arg_true() for fault, mask in masks.items()}


def _faults(
    p: PrepareParams, bad_users: dict[str, pl.Series], bad_items: dict[str, pl.Series]
) -> dict[str, pl.Expr]:
    """Why a row is no event; the first reason that is true counts."""
    faults = {"no user": pl.col("user").is_null(), "no item": pl.col("item").is_null()}
    for name, bad_codes in (("user", bad_users), ("item", bad_items)):
        for fault, codes in bad_codes.items():
            if len(codes):
                faults[f"{name} id {fault}"] = pl.col(name).is_in(codes.implode())
    us, weight = pl.col("us"), pl.col("weight")
    return faults | {
        "time unreadable": us.is_null(),
        "time before earliest": us < parse_time(p.earliest),
        "time after latest": us > parse_time(p.latest),
        "sequence unreadable": pl.col("sequence").is_null(),
        "weight unreadable": weight.is_null() | ~weight.is_finite(),
        "weight negative": weight < 0,
    }


def _rules(p: PrepareParams) -> dict[str, pl.Expr]:
    """Which rules of params.yaml leave a row out."""
    rules = {}
    if p.events.columns.type and p.keep_types:
        rules[TYPE_NOT_KEPT] = ~pl.col("type").is_in(p.keep_types).fill_null(False)
    if p.min_weight is not None:
        rules[WEIGHT_BELOW_MINIMUM] = pl.col("weight") < p.min_weight
    return rules


def _set_apart(
    rows: pl.DataFrame, reasons: dict[str, pl.Expr], raw: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Rows for which no reason holds, and the others as BAD_LINES and file, in a list if any.

    `raw` are the same rows as they stood in the file, where their text is to be shown.
    """
    if not reasons:
        return rows, []
    mask = rows.select(pl.any_horizontal(reasons.values()).fill_null(False)).to_series()
    if not mask.any():
        return rows, []
    why = [pl.when(holds.fill_null(False)).then(pl.lit(name)) for name, holds in reasons.items()]
    apart = rows.filter(mask).select("row", reason=pl.coalesce(why), file="file")
    text = pl.lit(None, pl.String) if raw is None else _shown_text(raw.filter(mask))
    bad = apart.with_columns(text=text).select(*BAD_LINES, "file").cast(BAD_LINES)
    return rows.filter(~mask), [bad]


def _shown_text(raw: pl.DataFrame) -> pl.Series:
    """The values of each row as the quarantine shows them."""
    columns = [
        pl.col(name).cast(pl.String, strict=False).fill_null("null").str.slice(0, SHOWN_CHARACTERS)
        for name in raw.columns
        if name not in ("file", "row")
    ]
    line = pl.concat_str(columns, separator=" | ")
    return raw.select(line.str.slice(0, SHOWN_CHARACTERS)).to_series()


def _first_seen(rows: pl.DataFrame, name: str, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows (by time) with codes of the ids that some row names, and those ids by first time."""
    codes, us = rows[name].to_numpy(), rows["us"].to_numpy()
    first = np.full(len(ids), NEVER)
    first[codes[::-1]] = us[::-1]  # the last one written is the earliest
    seen = first < NEVER
    new_codes = (np.cumsum(seen) - 1).astype(np.uint32)[codes]
    table = pl.DataFrame({"id": ids.filter(pl.Series(seen)), "first_us": first[seen]})
    return rows.with_columns(pl.Series(name, new_codes)), table
