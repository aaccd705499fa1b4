"""What is known about items besides their events: the previous index, titles, other attributes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import ItemSource
from slmrec.preprocessing.events.faults import (
    BAD_ROWS,
    bad_codes,
    fault_name,
    shown_text,
    with_value,
)
from slmrec.preprocessing.events.id_text import NO_ID, as_id
from slmrec.preprocessing.events.typed_columns import as_text
from slmrec.preprocessing.logs.log_files import (
    LogFile,
    find_files,
    item_columns,
    read_batches,
)
from slmrec.preprocessing.logs.text_blocks import SHOWN_CHARACTERS

# Below data/: what the previous version of the data leaves for this one.
PREVIOUS_INDEX = Path("index") / "items.parquet"
PREVIOUS_PROFILE = Path("index") / "profile.json"  # which validate compares with
PREVIOUS_CHAMPION = Path("index") / "champion"  # models that this version's go on from

NAMELESS = "item without id"


@dataclass(frozen=True)
class Catalogue:
    """Items that the item files list."""

    items: pl.DataFrame  # id, title, and the other columns under their own names
    bad: dict[str, pl.DataFrame]  # BAD_ROWS of each file
    rows: dict[str, int]  # of each file, good or bad
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
        return Catalogue(pl.DataFrame(schema={"id": pl.String, "title": pl.String}), {}, {}, 0)
    listed: list[pl.DataFrame] = []
    bad: dict[str, pl.DataFrame] = {}
    rows: dict[str, int] = {}
    for file in find_files(data_dir, source):
        items, bad[file.name] = _read_items(file, source)
        listed.append(items)
        rows[file.name] = len(items) + len(bad[file.name])
    distinct = pl.concat(listed).unique().sort(pl.all(), nulls_last=True)
    items = distinct.unique("id", keep="first", maintain_order=True)
    differing = distinct["id"].value_counts().filter(pl.col("count") > 1)
    return Catalogue(items, bad, rows, listed_differently=len(differing))


def _read_items(file: LogFile, source: ItemSource) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items of one file, and its rows that are none, as BAD_ROWS."""
    columns = ["id", "title", *source.columns.others]
    items = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    bad = [pl.DataFrame(schema=BAD_ROWS)]
    for batch in read_batches(file, source, item_columns(source.columns)):
        named, nameless = divide_items(batch.rows, source)
        items.append(named)
        bad += [with_value(batch.bad), nameless]
    return pl.concat(items), pl.concat(bad)


def divide_items(rows: pl.DataFrame, source: ItemSource) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with an id (id, title, and the other columns as text), and the others as BAD_ROWS."""
    columns = source.columns
    ids = as_id(rows[columns.item]).alias("id")
    title = as_text(rows[columns.title]) if columns.title else pl.lit(None, pl.String)
    table = rows.select(ids, title=title)
    table = table.with_columns(as_text(rows[name]) for name in columns.others)
    reasons = _why_no_id(ids)
    is_bad = reasons.is_not_null()
    if not is_bad.any():
        return table, pl.DataFrame(schema=BAD_ROWS)
    shown = ids.str.strip_prefix(NO_ID).str.slice(0, SHOWN_CHARACTERS)
    bad = rows.select("row", reason=reasons, text=shown_text(rows), value=shown)
    return table.filter(~is_bad), bad.filter(is_bad).cast(BAD_ROWS)


def _why_no_id(ids: pl.Series) -> pl.Series:
    """Why each id is none, null where it is one."""
    reasons = np.full(len(ids), None, dtype=object)
    for fault, places in bad_codes(ids).items():
        reasons[places.to_numpy()] = NAMELESS if fault == "empty" else fault_name("item", fault)
    reasons[ids.is_null().to_numpy()] = NAMELESS
    return pl.Series("reason", reasons.tolist(), dtype=pl.String)
