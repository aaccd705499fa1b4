"""Rows that hold a list of items become one event an item, in the order of the list."""

from __future__ import annotations

import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventSource
from slmrec.preprocessing.events.id_text import NO_ID, as_id

POSITION = "position in list"  # the column that says where in its list an item stood, from 0
EMPTY = -1  # the position of no item
LISTS = pl.List(pl.String)


def explode_lists(rows: pl.DataFrame, source: EventSource) -> pl.DataFrame:
    """Rows with one item each and the column POSITION.

    A row is read as a list where the column is one, where the value is a JSON list, or where it is
    text that holds `source.list_separator`; any other item is a list of one. An empty list keeps
    its row, with no item and EMPTY as its position. Where times, sequences, weights or types are
    lists too, each item has the value at its own place, or null where there is none.
    """
    c = source.columns
    items = _as_lists(rows[c.item], source.list_separator)
    filled = pl.select(pl.when(items.list.len() > 0).then(items)).to_series()
    others = {c.time, *c.sequences, c.weight, c.type} & set(rows.columns) - {c.user, c.item}
    table = rows.with_columns(filled.alias(c.item)).with_columns(_parallel_lists(rows, others))
    table = table.with_columns(pl.int_ranges(pl.col(c.item).list.len()).alias(POSITION))
    exploded = table.explode(c.item, POSITION)  # a null list gives one row
    parallel = [name for name in others if isinstance(exploded.schema[str(name)], pl.List)]
    exploded = exploded.with_columns(
        pl.col(str(name)).list.get(pl.col(POSITION), null_on_oob=True) for name in parallel
    )
    return exploded.with_columns(pl.col(POSITION).fill_null(EMPTY)).select(*rows.columns, POSITION)


def _parallel_lists(rows: pl.DataFrame, names: set[str | None]) -> list[pl.Series]:
    """The columns in which some value is a JSON list, as lists; a value that is none is null."""
    texts = [rows[str(name)] for name in names]
    texts = [text for text in texts if text.dtype == pl.String]
    return [_decoded(text, is_list) for text in texts if (is_list := _is_json_list(text)).any()]


def _as_lists(column: pl.Series, separator: str | None) -> pl.Series:
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if isinstance(column.dtype, pl.List):
        return _ids_of(column)
    ids = as_id(column)
    if separator is not None:
        parts = ids.str.split(separator).list.eval(pl.element().filter(pl.element() != ""))
        return _with_json_lists(ids, parts)
    single = pl.select(pl.when(ids.is_not_null()).then(pl.concat_list(ids))).to_series()
    return _with_json_lists(ids, single)


def _ids_of(lists: pl.Series) -> pl.Series:
    """A column of lists of any type as lists of ids; empty ones are null."""
    flat = pl.DataFrame({"list": lists}).with_row_index("place")
    flat = flat.filter(pl.col("list").list.len() > 0).explode("list")
    if isinstance(flat.schema["list"], pl.List | pl.Struct):
        raise DataError(
            f"column {lists.name} is {lists.dtype}; a list of ids can be exploded, no other"
        )
    ids = flat.with_columns(as_id(flat["list"]).alias("list"))
    grouped = ids.group_by("place", maintain_order=True).agg("list")
    places = pl.DataFrame({"place": pl.int_range(len(lists), dtype=pl.UInt32, eager=True)})
    return places.join(grouped, on="place", how="left", maintain_order="left")["list"]


def _with_json_lists(ids: pl.Series, lists: pl.Series) -> pl.Series:
    """`lists`, but where an id is marked as a JSON list, that list."""
    is_list = _is_json_list(ids)
    if not is_list.any():
        return lists
    decoded = _ids_of(_decoded(ids, is_list))
    return pl.select(pl.when(is_list).then(decoded).otherwise(lists)).to_series()


def _is_json_list(texts: pl.Series) -> pl.Series:
    return texts.str.starts_with(NO_ID + "[").fill_null(False)


def _decoded(texts: pl.Series, is_list: pl.Series) -> pl.Series:
    """The JSON lists among texts as lists of text, null for the others."""
    marked = pl.select(pl.when(is_list).then(texts.str.strip_prefix(NO_ID))).to_series()
    return marked.str.json_decode(LISTS).alias(texts.name)
