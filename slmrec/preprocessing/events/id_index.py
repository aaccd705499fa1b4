"""The index of users and of items: the number of each id.

Known ids (those of the previous index) keep their numbers; new ones follow by first appearance,
ids that appear at the same time by their text. Numbers are given before any rule leaves an event
out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

ENTRIES = pl.Schema({"id": pl.String, "first_us": pl.Int64})


class IdIndex:
    """Ids in order of their numbers, and the number of an id. The first number is `offset`."""

    def __init__(self, entries: pl.DataFrame, offset: int) -> None:
        self.entries = entries  # id, first_us; row r has number r + offset
        self._kind = pl.Categorical(pl.Categories.random())
        # Polars forgets the codes of a Categories as soon as no column uses it.
        self._ids = entries["id"].cast(self._kind)
        codes = self._ids.to_physical().to_numpy()
        self._numbers = np.empty(len(codes), dtype=np.uint32)
        self._numbers[codes] = np.arange(offset, offset + len(codes), dtype=np.uint32)

    def numbers(self, ids: pl.Series) -> np.ndarray:
        """The numbers of ids, all of which the index holds."""
        return self._numbers[ids.cast(self._kind).to_physical().to_numpy()]  # (N,) uint32


def first_appearances(tables: list[pl.LazyFrame]) -> pl.DataFrame:
    """First appearance of every id over tables of (id, first_us); streaming, in no order."""
    if not tables:
        return pl.DataFrame(schema=ENTRIES)
    first = pl.concat(tables).group_by("id").agg(pl.col("first_us").min())
    return first.collect(engine="streaming")


def in_index_order(seen: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Entries in order of their numbers: the known ids, then the others that were seen.

    A null first_us means known or listed, but in no event; such new ids come last.
    """
    if not len(known):
        return pl.concat([pl.DataFrame(schema=ENTRIES), _by_appearance(seen)])
    first = pl.DataFrame({"id": known}).join(seen, on="id", how="left", maintain_order="left")
    return pl.concat([first, _by_appearance(seen.join(first, on="id", how="anti"))])


def _by_appearance(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries in order of first appearance, then of id."""
    entries = entries.sort("first_us", nulls_last=True)
    first = entries["first_us"]
    # Text is slow to sort, so only the ids that appear at the same time are.
    same = first.eq_missing(first.shift(1))
    tied = (same | same.shift(-1, fill_value=False)).arg_true()
    order = np.arange(len(entries), dtype=np.uint32)
    by_text = entries[tied].with_columns(place=tied).sort("first_us", "id", nulls_last=True)
    order[tied.to_numpy()] = by_text["place"].to_numpy()
    return entries[order]


def common_prefix(old: pl.Series, new: pl.Series) -> int:
    """How many leading ids two indices share."""
    shared = min(len(old), len(new))
    differ = (old.head(shared) != new.head(shared)).arg_true()
    return int(differ[0]) if len(differ) else shared
