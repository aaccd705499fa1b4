"""Raw rows as events, and for each row that is none the reason why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.faults import bad_codes, faults, rules, set_apart, with_value
from slmrec.preprocessing.events.id_text import has_point, without_point, written_id
from slmrec.preprocessing.events.lists import POSITION, explode_lists
from slmrec.preprocessing.events.typed_columns import (
    as_sequence,
    as_text,
    as_us,
    check_scalars,
    in_one,
    without_clock,
)
from slmrec.preprocessing.logs.text_blocks import RowBatch

NEVER = np.iinfo(np.int64).max
PARSED = ("user", "item", "us", "sequence", "weight", "file", "row")


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
    explode, columns = p.events.lists == "explode", p.events.columns
    raw = explode_lists(batch.rows, p.events) if explode else batch.rows
    rows, user_ids, item_ids = _typed(raw, p)
    reasons = faults(p, bad_codes(user_ids), bad_codes(item_ids))
    rows, faulty = set_apart(rows, reasons, raw, columns)
    if not rows["us"].is_sorted():  # most logs are in order of time
        rows = rows.sort("us", maintain_order=True)
    rows, users = _first_seen(rows, "user", user_ids)
    rows, items = _first_seen(rows, "item", item_ids)
    rows, left_out = set_apart(rows, rules(p), None, columns)
    bad = pl.concat([with_value(batch.bad), *faulty, *left_out])
    return Parsed(rows.select(PARSED), users, items, bad)


def _typed(raw: pl.DataFrame, p: PrepareParams) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Typed columns with ids as codes, and the ids of users and of items by code."""
    c = p.events.columns
    user, user_ids = _coded(raw[c.user])
    item, item_ids = _coded(raw[c.item])
    numbers = [as_sequence(raw[name]) for name in c.sequences]
    if c.time is None and not numbers:  # lists alone: those of one user in the order of their lines
        numbers = [raw["row"].cast(pl.Int64)]
    columns: dict[str, Any] = {
        "user": user,
        "item": item,
        "us": _times(raw, p, numbers),
        "sequence": in_one(numbers) if numbers else pl.lit(0),
        "weight": _weights(raw[c.weight]) if c.weight else pl.lit(1.0),
        "file": raw["file"],
        "row": raw["row"],
    }
    if c.type:
        columns["type"] = as_text(raw[c.type])
    if POSITION in raw.columns:
        # An empty list has no place; only its item is what is wrong with it.
        places = [*numbers, raw[POSITION].clip(0)] if numbers else [raw[POSITION]]
        columns |= {POSITION: raw[POSITION], "sequence": in_one(places)}
    rows = pl.select(**columns)
    return rows.cast({"sequence": pl.Int64, "weight": pl.Float32}), user_ids, item_ids


def _weights(column: pl.Series) -> pl.Series:
    return check_scalars(column, "number").cast(pl.Float64, strict=False)


def _times(raw: pl.DataFrame, p: PrepareParams, numbers: list[pl.Series]) -> pl.Series:
    time = p.events.columns.time
    if time is not None:
        return as_us(raw[time], p.events.time_format)
    return without_clock(numbers[0])  # there is a sequence where there is no time


def _coded(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Codes of a column's ids, null for none, and the id of each code."""
    written = written_id(column)
    codes, ids = _categories(written)
    if has_point(ids):  # seldom: several spellings become one id
        return _categories(without_point(written))
    return codes, ids


def _categories(ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    kind = pl.Categorical(pl.Categories.random())
    # Polars forgets the codes of a Categories as soon as no column uses it, so a name holds one.
    categorical = ids.cast(kind)
    codes = categorical.to_physical()
    used = codes.drop_nulls().to_numpy()
    size = int(used.max()) + 1 if len(used) else 0
    all_codes = pl.DataFrame({"code": np.arange(size, dtype=np.uint32)})
    return codes, all_codes.select(pl.col("code").cat.to(kind).cast(pl.String)).to_series()


def _first_seen(rows: pl.DataFrame, name: str, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows (by time) with codes of the ids that some row names, and those ids by first time."""
    codes, us = rows[name].to_numpy(), rows["us"].to_numpy()
    first = np.full(len(ids), NEVER)
    first[codes[::-1]] = us[::-1]  # the last one written is the earliest
    seen = first < NEVER
    new_codes = (np.cumsum(seen) - 1).astype(np.uint32)[codes]
    table = pl.DataFrame({"id": ids.filter(pl.Series(seen)), "first_us": first[seen]})
    return rows.with_columns(pl.Series(name, new_codes)), table
