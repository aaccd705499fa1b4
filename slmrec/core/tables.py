"""Every column name and Polars schema of the tables on disk, decided once.

External ids are strings, whatever the logs hold. Item index 0 is PAD, 1 is UNK, items start at 2.
Padding is on the right.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError, UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK

__all__ = ["FIRST_ITEM", "PAD", "UNK"]
TIME: pl.DataType = pl.Datetime("us", "UTC")
DAY_US = 86_400_000_000  # a day in the unit of TIME
U32, U64, F32, TEXT = pl.UInt32(), pl.UInt64(), pl.Float32(), pl.String()
EVENTS = pl.Schema({"user_index": U32, "item_index": U32, "time": TIME, "weight": F32})
USERS = pl.Schema({"user_index": U32, "user": TEXT})
ITEMS = pl.Schema(
    {"item_index": U32, "item": TEXT, "title": TEXT, "first_time": TIME, "events": U32}
)
QUARANTINE = pl.Schema({"file": TEXT, "row": U64, "reason": TEXT, "text": TEXT})
HISTORIES = pl.Schema({"user_index": U32, "items": pl.List(U32), "times": pl.List(TIME)})
TARGETS = pl.Schema({"part": TEXT, "user_index": U32, "position": U32, "input_stop": U32})
WINDOWS = pl.Schema({"window": U32, "user_index": U32, "start": U32, "stop": U32})
PARTS = ("valid", "test")


def read_table(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """Read one Parquet table and check its columns.

    Raises UsageError when it is missing and DataError when it has other columns than `schema`.
    """
    if not path.is_file():
        raise UsageError(f"{path} is missing; run the stage that writes it (dvc repro)")
    columns, expected = _read_columns(path), dict(schema)
    if columns != expected:
        raise DataError(
            f"{path} has columns {columns}, expected {expected}; delete it and run dvc repro"
        )
    return pl.read_parquet(path)


def _read_columns(path: Path) -> dict[str, pl.DataType]:
    try:
        return dict(pl.read_parquet_schema(path))
    except pl.exceptions.ComputeError as error:
        raise DataError(
            f"{path} is not readable Parquet ({error}); delete it and run dvc repro"
        ) from error
