"""The index of users and of items: which number an id has, for ever.

Known ids (those of the previous index) keep their numbers; new ones follow by first appearance, ids
that appear at the same time by their text. Numbers are given before any rule leaves an event out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

ENTRIES = pl.Schema({"id": pl.String, "first_us": pl.Int64})


class Index:
    """Ids in order of their numbers, and the number of an id. The first number is `offset`."""

    def __init__(self, entries: pl.DataFrame, offset: int) -> None:
        self.entries = entries  # id, first_us; row r has number r + offset
        self._kind = pl.Categorical(pl.Categories.random())
        # Polars forgets the codes of a Categories as soon as no column uses it.
        self._held = entries["id"].cast(self._kind)
        codes = self._held.to_physical().to_numpy()
        self._numbers = np.empty(len(codes), dtype=np.uint32)
        self._numbers[codes] = np.arange(offset, offset + len(codes), dtype=np.uint32)

    def numbers(self, ids: pl.Series) -> np.ndarray:
        """The numbers of ids, all of which the index holds.  # (N,) uint32"""
        return self._numbers[ids.cast(self._kind).to_physical().to_numpy()]


def merge(tables: list[pl.LazyFrame]) -> pl.DataFrame:
    """First appearance of every id over tables of (id, first_us); streaming, in no order."""
    if not tables:
        return pl.DataFrame(schema=ENTRIES)
    return (
        pl.concat(tables).group_by("id").agg(pl.col("first_us").min()).collect(engine="streaming")
    )


def in_order(seen: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Entries in order of their numbers: the known ids, then the others that were seen.

    Null first_us: known or listed, but in no event; such new ids come last.
    """
    first = (
        pl.DataFrame({"id": known}).join(seen, on="id", how="left", maintain_order="left")
        if len(known)
        else pl.DataFrame(schema=ENTRIES)
    )
    new = seen.join(first, on="id", how="anti") if len(known) else seen
    return pl.concat([first, _by_appearance(new)])


def _by_appearance(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries in order of first appearance, then of id. Text is slow to sort: only ids that appear at the same time are."""
    entries = entries.sort("first_us", nulls_last=True)
    first = entries["first_us"]
    same = first.eq_missing(first.shift(1))
    tied = (same | same.shift(-1, fill_value=False)).arg_true()
    order = np.arange(len(entries), dtype=np.uint32)
    order[tied.to_numpy()] = (
        entries[tied]
        .with_columns(place=tied)
        .sort("first_us", "id", nulls_last=True)["place"]
        .to_numpy()
    )
    return entries[order]


def common_prefix(old: pl.Series, new: pl.Series) -> int:
    """How many leading ids two indices share."""
    shared = min(len(old), len(new))
    differ = (old.head(shared) != new.head(shared)).arg_true()
    return int(differ[0]) if len(differ) else shared
