"""The bundle's two item tables: JSON lines for the runtime, Parquet for everybody else."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import polars as pl

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.bundle import sha256_of_bytes
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, ServedItems, write_lines


def read_served_items(items: pl.DataFrame) -> ServedItems:
    """The served items of the table `tables.ITEMS`. Raises DataError when indices are not 2, 3, ... without gaps."""
    items = items.sort("item_index")
    if items["item_index"].to_list() != list(range(FIRST_ITEM, FIRST_ITEM + len(items))):
        raise DataError(
            f"items.parquet does not number its {len(items)} items from {FIRST_ITEM} without gaps; run dvc repro --force prepare"
        )
    status = (
        pl.when(pl.col("events") > 0)
        .then(pl.lit(ACTIVE))
        .when(pl.col("title").is_not_null())
        .then(pl.lit(LISTED))
    )
    statuses = items.select(status.otherwise(pl.lit(RETIRED)).alias("status"))["status"].to_list()
    ids = items["item"].to_list()
    index = {item: place for place, item in enumerate(ids, start=FIRST_ITEM)}
    return ServedItems(ids=ids, titles=items["title"].to_list(), statuses=statuses, index=index)


def candidates_of(served: ServedItems) -> np.ndarray:
    """Which rows of the item table may be recommended: neither PAD nor UNK nor a retired item.  # (I,) bool"""
    mask = np.zeros(served.rows, dtype=bool)
    mask[FIRST_ITEM:] = [status != RETIRED for status in served.statuses]
    return mask


@dataclass(frozen=True)
class ItemFiles:
    """The served items as the bundle's two files hold them."""

    served: ServedItems
    lines: bytes
    parquet: bytes
    sha256: str  # of the lines, which are what the runtime reads


def item_files(served: ServedItems) -> ItemFiles:
    """Write both item tables once: with millions of items each takes seconds."""
    lines = write_lines(served)
    return ItemFiles(served, lines, _parquet(served), sha256_of_bytes(lines))


def _parquet(served: ServedItems) -> bytes:
    columns = {
        "index": pl.Series(range(FIRST_ITEM, served.rows), dtype=pl.UInt32),
        "item": pl.Series(served.ids, dtype=pl.String),
        "title": pl.Series(served.titles, dtype=pl.String),
        "status": pl.Series(served.statuses, dtype=pl.String),
    }
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    return stream.getvalue()
