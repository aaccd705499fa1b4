"""What is known about items besides their events: the previous index, titles, other attributes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import ItemSource
from slmrec.preprocessing.logs.log_files import (
    LogFile,
    find_files,
    item_columns,
    read_batches,
)
from slmrec.preprocessing.logs.text_blocks import BAD_LINES

# Below data/: what the previous version of the data leaves for this one.
PREVIOUS_INDEX = Path("index") / "items.parquet"
PREVIOUS_PROFILE = Path("index") / "profile.json"  # which validate compares with


@dataclass(frozen=True)
class Catalogue:
    """Items that the item files list."""

    items: pl.DataFrame  # id, title, and the other columns under their own names
    bad: dict[str, pl.DataFrame]  # BAD_LINES of each file
    rows: int  # read, good or bad
    listed_differently: int  # items that are listed more than once, with different attributes


def read_previous(data_dir: Path) -> pl.DataFrame:
    """The previous item index as tables.ITEMS, empty where there is none.

    Raises DataError when its numbers have gaps or its ids are not distinct.
    """
    path = data_dir / PREVIOUS_INDEX
    if not path.is_file():
        return pl.DataFrame(schema=tables.ITEMS)
    table = tables.read_table(path, tables.ITEMS)
    _check_index(table, path)
    return table


def _check_index(table: pl.DataFrame, path: Path) -> None:
    numbers = pl.Series(range(FIRST_ITEM, FIRST_ITEM + len(table)), dtype=pl.UInt32)
    if not table["item_index"].equals(numbers):
        raise DataError(
            f"{path} does not number items from {FIRST_ITEM} without a gap; "
            "restore it from the last good run"
        )
    if table["item"].null_count() or table["item"].n_unique() != len(table):
        raise DataError(
            f"{path} names an item twice or not at all; restore it from the last good run"
        )


def read_catalogue(data_dir: Path, source: ItemSource | None) -> Catalogue:
    """All items that the item files list.

    An item listed in different ways takes the first in order of text, whatever file it is in.
    """
    if source is None:
        return Catalogue(pl.DataFrame(schema={"id": pl.String, "title": pl.String}), {}, 0, 0)
    listed: list[pl.DataFrame] = []
    bad: dict[str, pl.DataFrame] = {}
    for file in find_files(data_dir, source):
        items, bad[file.name] = _read_items(file, source)
        listed.append(items)
    rows = sum(map(len, listed)) + sum(map(len, bad.values()))
    distinct = pl.concat(listed).unique().sort(pl.all(), nulls_last=True)
    items = distinct.unique("id", keep="first", maintain_order=True)
    differing = distinct["id"].value_counts().filter(pl.col("count") > 1)
    return Catalogue(items, bad, rows, listed_differently=len(differing))


def _read_items(file: LogFile, source: ItemSource) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items of one file, and its rows that are none, as BAD_LINES."""
    columns = ["id", "title", *source.columns.others]
    items = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    bad = [pl.DataFrame(schema=BAD_LINES)]
    for batch in read_batches(file, source, item_columns(source.columns)):
        items.append(_named(batch.rows, source))
        bad += [batch.bad, _nameless(batch.rows, source)]
    return pl.concat(items), pl.concat(bad)


def _named(rows: pl.DataFrame, source: ItemSource) -> pl.DataFrame:
    """Rows with an id: id, title, and the other columns, all as text."""
    columns = source.columns
    named = rows.filter(pl.col(columns.item).is_not_null())
    title = pl.col(columns.title) if columns.title else pl.lit(None)
    table = named.select(id=pl.col(columns.item), title=title)
    others = [named[name] for name in columns.others]
    return table.with_columns(others).cast(pl.String)


def _nameless(rows: pl.DataFrame, source: ItemSource) -> pl.DataFrame:
    """Rows without an id, as BAD_LINES."""
    nameless = rows.filter(pl.col(source.columns.item).is_null())
    columns = {"reason": pl.lit("item without id"), "text": pl.lit(None)}
    return nameless.select("row", **columns).cast(BAD_LINES)
