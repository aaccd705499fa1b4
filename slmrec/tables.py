"""The vocabulary of tables: every column name and Polars schema, decided once.

External ids are strings, whatever the logs hold. Item index 0 is PAD, 1 is UNK, items start at 2.
Padding is on the right.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from slmrec.errors import DataError, UsageError
from slmrec.vocabulary import FIRST_ITEM, PAD, UNK

__all__ = ["FIRST_ITEM", "PAD", "UNK"]

TIME: pl.DataType = pl.Datetime("us", "UTC")

EVENTS = pl.Schema({"user_index": pl.UInt32, "item_index": pl.UInt32, "time": TIME, "weight": pl.Float32})
USERS = pl.Schema({"user_index": pl.UInt32, "user": pl.String})
ITEMS = pl.Schema({"item_index": pl.UInt32, "item": pl.String, "title": pl.String, "first_time": TIME, "events": pl.UInt32})
QUARANTINE = pl.Schema({"file": pl.String, "row": pl.UInt64, "reason": pl.String, "text": pl.String})
HISTORIES = pl.Schema({"user_index": pl.UInt32, "items": pl.List(pl.UInt32), "times": pl.List(TIME)})
TARGETS = pl.Schema({"part": pl.String, "user_index": pl.UInt32, "position": pl.UInt32, "input_stop": pl.UInt32})
WINDOWS = pl.Schema({"window": pl.UInt32, "user_index": pl.UInt32, "start": pl.UInt32, "stop": pl.UInt32})

PARTS = ("valid", "test")


def read_table(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """Read one Parquet table and hold it against its schema.

    Raises UsageError when the file is missing and DataError when its columns are not those of `schema`.
    """
    if not path.is_file():
        raise UsageError(f"{path} is missing; run the stage that writes it (dvc repro)")
    try:
        found = pl.read_parquet_schema(path)
    except pl.exceptions.ComputeError as error:
        raise DataError(f"{path} is not readable Parquet ({error}); delete it and run dvc repro") from error
    if found != dict(schema):
        raise DataError(f"{path} has columns {found}, expected {dict(schema)}; delete it and run dvc repro")
    return pl.read_parquet(path)
