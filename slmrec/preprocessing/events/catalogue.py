"""What is known about items beside their events: the previous index, titles and other attributes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import ItemSource
from slmrec.preprocessing.logs.log_files import find_files, read_batches
from slmrec.preprocessing.logs.text_blocks import BAD_LINES

PREVIOUS = Path("index") / "items.parquet"  # below data/
PREVIOUS_PROFILE = (
    Path("index") / "profile.json"
)  # of the previous version of the data, for validate


@dataclass(frozen=True)
class Catalogue:
    """Items that the item files list. items: id, title, others as they are named; bad: BAD_LINES by file."""

    items: pl.DataFrame
    bad: dict[str, pl.DataFrame]
    rows: int  # read, good or bad
    listed_differently: int  # items that are listed more than once, with different attributes


def read_previous(data: Path) -> pl.DataFrame:
    """The previous item index as tables.ITEMS, empty where there is none. Raises DataError when numbers do not follow on."""
    path = data / PREVIOUS
    if not path.is_file():
        return pl.DataFrame(schema=tables.ITEMS)
    table = tables.read_table(path, tables.ITEMS)
    if not table["item_index"].equals(
        pl.Series("item_index", range(FIRST_ITEM, FIRST_ITEM + len(table)), dtype=pl.UInt32)
    ):
        raise DataError(
            f"{path} does not number items from {FIRST_ITEM} without a gap; restore it from the last good run"
        )
    if table["item"].null_count() or table["item"].n_unique() != len(table):
        raise DataError(
            f"{path} names an item twice or not at all; restore it from the last good run"
        )
    return table


def read_catalogue(data: Path, source: ItemSource | None) -> Catalogue:
    """All item files together. An item listed in different ways takes the first in order of text, whatever file it is in."""
    if source is None:
        return Catalogue(pl.DataFrame(schema={"id": pl.String, "title": pl.String}), {}, 0, 0)
    columns = source.columns
    wanted = list(
        dict.fromkeys([columns.item, *([columns.title] if columns.title else []), *columns.others])
    )
    parts: list[pl.DataFrame] = []
    bad: dict[str, pl.DataFrame] = {}
    for file in find_files(data, source):
        for batch in read_batches(file, source, wanted):
            rows = batch.rows.with_columns(pl.col(columns.item).cast(pl.String))
            nameless = rows.filter(pl.col(columns.item).is_null())
            nameless = nameless.select(
                "row", reason=pl.lit("item without id"), text=pl.lit(None, pl.String)
            )
            parts.append(_select(rows.filter(pl.col(columns.item).is_not_null()), source))
            bad[file.name] = pl.concat(
                [
                    bad.get(file.name, pl.DataFrame(schema=BAD_LINES)),
                    batch.bad,
                    nameless.cast(BAD_LINES),
                ]
            )
    rows = pl.concat(parts).unique().sort(pl.all(), nulls_last=True)
    read = sum(map(len, parts)) + sum(map(len, bad.values()))
    items = rows.unique("id", keep="first", maintain_order=True)
    return Catalogue(items, bad, read, int((rows["id"].value_counts()["count"] > 1).sum()))


def _select(rows: pl.DataFrame, source: ItemSource) -> pl.DataFrame:
    columns = source.columns
    title = pl.col(columns.title).cast(pl.String) if columns.title else pl.lit(None, pl.String)
    others = [pl.col(name).cast(pl.String).alias(name) for name in columns.others]
    return rows.select(id=pl.col(columns.item), title=title).with_columns(
        rows.select(others) if others else []
    )
