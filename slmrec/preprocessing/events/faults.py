"""Why a row is no event, which of its fields says so, and how it is shown."""

from __future__ import annotations

import polars as pl

from slmrec.params.prepare import EventColumns, PrepareParams
from slmrec.preprocessing.events.id_text import NO_ID, is_no_scalar
from slmrec.preprocessing.events.lists import EMPTY, POSITION
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.events.typed_columns import as_text
from slmrec.preprocessing.logs.text_blocks import BAD_LINES, SHOWN_CHARACTERS

MAX_ID_BYTES = 1024  # a longer id is a swallowed line or an attack, never an id
# Rows that a rule of params.yaml leaves out are no bad rows: they do not count against
# max_quarantine_share.
TYPE_NOT_KEPT = "type not kept"
WEIGHT_BELOW_MINIMUM = "weight below minimum"
EMPTY_LIST = "empty list"
A_LIST = "a list, no id"  # or an object, true or false
TIME_FAULTS = ("time unreadable", "time before earliest", "time after latest")
# Bad rows as they are kept: `value` is what stands in the field that is wrong, null where the
# whole row is.
BAD_ROWS = pl.Schema([*BAD_LINES.items(), ("value", pl.String())])
Reasons = dict[str, pl.Expr]


def bad_codes(ids: pl.Series) -> dict[str, pl.Series]:
    """Places of ids that are none, by what is wrong with them."""
    too_long = ids.str.len_bytes() > MAX_ID_BYTES
    no_scalar = is_no_scalar(ids)
    broken = ids.str.contains("\0", literal=True) | ids.str.contains("\n", literal=True)
    masks = {
        A_LIST: no_scalar,
        "empty": ids == "",
        "too long": too_long & ~no_scalar,
        "broken": broken & ~too_long & ~no_scalar,
    }
    return {fault: mask.arg_true() for fault, mask in masks.items()}


def fault_name(side: str, fault: str) -> str:
    """The reason why a row is set aside whose id of a user or an item (`side`) is none."""
    return f"{side} is {fault}" if fault == A_LIST else f"{side} id {fault}"


def faults(
    p: PrepareParams, bad_users: dict[str, pl.Series], bad_items: dict[str, pl.Series]
) -> Reasons:
    """Why a row is no event; the first reason that is true counts."""
    columns = p.events.columns
    reasons: Reasons = {}
    if p.events.lists == "explode":
        reasons[EMPTY_LIST] = pl.col(POSITION) == EMPTY
    reasons |= {"no user": pl.col("user").is_null(), "no item": pl.col("item").is_null()}
    for name, codes_by_fault in (("user", bad_users), ("item", bad_items)):
        for fault, codes in codes_by_fault.items():
            if len(codes):
                reasons[fault_name(name, fault)] = pl.col(name).is_in(codes.implode())
    us, weight = pl.col("us"), pl.col("weight")
    if columns.time is not None:
        clock = (us.is_null(), us < parse_time(p.earliest), us > parse_time(p.latest))
        reasons |= dict(zip(TIME_FAULTS, clock, strict=True))
    return reasons | {
        "sequence unreadable": pl.col("sequence").is_null(),
        "weight unreadable": weight.is_null() | ~weight.is_finite(),
        "weight negative": weight < 0,
    }


def rules(p: PrepareParams) -> Reasons:
    """Which rules of params.yaml leave a row out."""
    reasons: Reasons = {}
    if p.events.columns.type and p.keep_types:
        reasons[TYPE_NOT_KEPT] = ~pl.col("type").is_in(p.keep_types).fill_null(False)
    if p.min_weight is not None:
        reasons[WEIGHT_BELOW_MINIMUM] = pl.col("weight") < p.min_weight
    return reasons


def set_apart(
    rows: pl.DataFrame, reasons: Reasons, raw: pl.DataFrame | None, columns: EventColumns
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Rows for which no reason holds, and the others as BAD_ROWS and file, in a list if any.

    `raw` are the same rows as they stood in the file, where their text is to be shown.
    """
    if not reasons:
        return rows, []
    mask = rows.select(pl.any_horizontal(reasons.values()).fill_null(False)).to_series()
    if not mask.any():
        return rows, []
    why = [pl.when(holds.fill_null(False)).then(pl.lit(name)) for name, holds in reasons.items()]
    apart = rows.filter(mask).select("row", reason=pl.coalesce(why), file="file")
    nothing = pl.lit(None, pl.String)
    shown: dict[str, pl.Expr | pl.Series] = {"text": nothing, "value": nothing}
    if raw is not None:
        raw = raw.filter(mask)
        shown = {"text": shown_text(raw), "value": _wrong_field(raw, apart["reason"], columns)}
    bad = apart.with_columns(**shown).select(*BAD_ROWS, "file").cast(BAD_ROWS)
    return rows.filter(~mask), [bad]


def with_value(bad: pl.DataFrame) -> pl.DataFrame:
    """Bad lines of a file as BAD_ROWS: no single field of such a line is wrong."""
    place = BAD_ROWS.names().index("value")
    return bad.clone().insert_column(place, pl.Series("value", [None] * len(bad), pl.String))


def _wrong_field(raw: pl.DataFrame, reasons: pl.Series, columns: EventColumns) -> pl.Series:
    """What stands in the field that each row's reason speaks of."""
    fields = {
        "user": [columns.user],
        "item": [columns.item],
        "time": [columns.time] if columns.time else [],
        "sequence": columns.sequences,
        "weight": [columns.weight] if columns.weight else [],
    }
    values = [
        pl.when(pl.lit(reasons).str.starts_with(f"{field} ")).then(_joined(raw, names))
        for field, names in fields.items()
        if names
    ]
    return raw.select(pl.coalesce(values).alias("value")).to_series()


def shown_text(raw: pl.DataFrame) -> pl.Series:
    """The values of each row as the quarantine shows them."""
    names = [name for name in raw.columns if name not in ("file", "row", POSITION)]
    return raw.select(_joined(raw, names)).to_series()


def _joined(raw: pl.DataFrame, names: list[str]) -> pl.Expr:
    line = pl.concat_str([pl.lit(_shown(raw[name])) for name in names], separator=" | ")
    return line.str.slice(0, SHOWN_CHARACTERS)


def _shown(column: pl.Series) -> pl.Series:
    text = as_text(column).fill_null("null")
    return text.str.strip_prefix(NO_ID).str.slice(0, SHOWN_CHARACTERS)
