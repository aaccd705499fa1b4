"""Items that a bundle does not know yet, from a file: their ids and titles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError, UsageError
from slmrec.preprocessing.events.id_text import as_id, is_no_scalar
from slmrec.runtime.items import ServedItems

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),  # every column as text
    ".parquet": pl.read_parquet,
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}
NO_TITLE = "no title"


@dataclass(frozen=True)
class NewItems:
    """Items in the order of their file, and those of it that were left out, with the reason."""

    ids: Sequence[str]
    titles: Sequence[str]
    left_out: dict[str, str]  # reason by id

    def without(self, places: Sequence[int], reason: str) -> NewItems:
        """The same without the items at these places."""
        gone = set(places)
        kept = [place for place in range(len(self.ids)) if place not in gone]
        return NewItems(
            [self.ids[place] for place in kept],
            [self.titles[place] for place in kept],
            self.left_out | {self.ids[place]: reason for place in sorted(gone)},
        )


def read_new_items(
    path: Path, item_column: str, title_column: str, served: ServedItems
) -> NewItems:
    """Read a .csv, .parquet or .jsonl file of items; those without a title are left out.

    Raises UsageError for a file of another kind, and DataError for one that cannot be read, lacks a
    column, has a row without an id, an id twice, or one that the bundle knows.
    """
    table = _read(path)
    if missing := [name for name in (item_column, title_column) if name not in table.columns]:
        raise DataError(
            f"{path} has no column {missing[0]!r}, it has {', '.join(table.columns)}; "
            "name them with --item-column and --title-column"
        )
    ids = as_id(table[item_column])
    titles = table[title_column].cast(pl.String).str.strip_chars().fill_null("")
    _check_ids(path, ids, served)
    found = NewItems(ids.to_list(), titles.to_list(), {})
    return found.without([place for place, title in enumerate(titles) if not title], NO_TITLE)


def _read(path: Path) -> pl.DataFrame:
    if path.suffix not in READERS:
        raise UsageError(f"{path} is no {', '.join(READERS)} file; give the items as one of these")
    if not path.is_file():
        raise UsageError(f"{path} is missing; give a file of items and titles")
    try:
        return READERS[path.suffix](path)
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} cannot be read as {path.suffix[1:]}: {reason}") from error


def _check_ids(path: Path, ids: pl.Series, served: ServedItems) -> None:
    if not len(ids):
        raise DataError(f"{path} holds no item; give at least one")
    nameless = (ids.is_null() | (ids == "") | is_no_scalar(ids)).fill_null(True)
    if nameless.any():
        row = int(nameless.arg_true()[0]) + 1
        raise DataError(f"{path} has no id in row {row:,}, counted from 1; every item needs one")
    if (twice := ids.filter(ids.is_duplicated())).len():
        raise DataError(f"{path} names {twice[0]!r} more than once; an id stands for one item")
    if known := [item for item in ids if item in served.index]:
        raise DataError(
            f"{path}: the bundle knows {known[0]!r} ({len(known):,} of {len(ids):,} ids); leave "
            "out known items, whose titles change with the next training"
        )
