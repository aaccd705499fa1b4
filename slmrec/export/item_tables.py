"""The items that a bundle serves, from the pipeline's item table, and their Parquet file."""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.items import (
    ACTIVE,
    CANDIDATES,
    LISTED,
    RETIRED,
    UNTRAINED,
    ServedItems,
    index_of,
)


def read_served_items(items: pl.DataFrame, described_items: np.ndarray) -> ServedItems:
    """The served items of the table `tables.ITEMS`.

    `described_items` are the indices that the model knows by their text. Raises DataError when the
    item indices are not 2, 3, ... without gaps.
    """
    items = items.sort("item_index").with_columns(status=_status(described_items))
    if items["item_index"].to_list() != list(range(FIRST_ITEM, FIRST_ITEM + len(items))):
        raise DataError(
            f"items.parquet does not number its {len(items)} items from {FIRST_ITEM} without gaps; "
            "run dvc repro --force prepare"
        )
    ids = items["item"].to_list()
    return ServedItems(
        ids=ids,
        titles=items["title"].to_list(),
        statuses=items["status"].to_list(),
        index=index_of(ids),
    )


def _status(described_items: np.ndarray) -> pl.Expr:
    return (
        pl.when(pl.col("events") > 0)
        .then(pl.lit(ACTIVE))
        .when(pl.col("item_index").is_in(described_items.tolist()))
        .then(pl.lit(LISTED))
        .when(pl.col("title").is_not_null())
        .then(pl.lit(UNTRAINED))
        .otherwise(pl.lit(RETIRED))
    )


def candidates_of(served: ServedItems) -> np.ndarray:
    """Which rows may be recommended: active and listed items.  # (I,) bool"""
    mask = np.zeros(served.rows, dtype=bool)
    mask[FIRST_ITEM:] = [status in CANDIDATES for status in served.statuses]
    return mask


def items_to_parquet(served: ServedItems) -> bytes:
    """The item table as Parquet, for everybody but the runtime, which reads JSON lines."""
    columns = {
        "index": pl.Series(range(FIRST_ITEM, served.rows), dtype=pl.UInt32),
        "item": pl.Series(served.ids, dtype=pl.String),
        "title": pl.Series(served.titles, dtype=pl.String),
        "status": pl.Series(served.statuses, dtype=pl.String),
    }
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    return stream.getvalue()
