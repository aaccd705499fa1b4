"""The benchmark sets as histories.

They are read where they lie: their terms allow research use, not redistribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, Protocol, Targets, Windows
from slmrec.preprocessing.splitting.splitters import cut_windows

HASH_SEED = 20241105  # orders events that no clock can order, as in params.yaml
LEAST_EVENTS = 3  # of a user: one to learn from, one to validate with, one to test with
MICROSECONDS = 1_000_000  # a second


@dataclass(frozen=True)
class Sequences:
    """All users' items in total order; users of fewer than three events are left out.

    `catalogue` has the columns of tables.ITEMS; E events, U users.
    """

    offsets: np.ndarray  # (U + 1,) int64
    items: np.ndarray  # (E,) int64 item_index
    times: np.ndarray  # (E,) int64, microseconds
    catalogue: pl.DataFrame

    @property
    def rows(self) -> int:
        """Rows of an item embedding: PAD, UNK and the items."""
        return len(self.catalogue) + FIRST_ITEM


def read_sequences(dataset_dir: Path) -> Sequences:
    """Read a set: interactions.parquet with items.parquet, or sequences.txt.

    Raises UsageError when neither is there.
    """
    events, titles = _read_events(dataset_dir)
    tie = pl.struct("user", "item").hash(HASH_SEED)
    events = (
        events.with_columns(tie=tie)
        .filter(pl.len().over("user") >= LEAST_EVENTS)
        .sort("user", "timestamp", "tie")
    )
    return _indexed(events.with_columns(item=pl.col("item").cast(pl.String)), titles)


def _read_events(dataset_dir: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events (user, item, timestamp) as they lie there, and titles (item, title) as strings."""
    if (dataset_dir / "interactions.parquet").is_file():
        titles = pl.read_parquet(dataset_dir / "items.parquet").select(
            item=pl.col("item").cast(pl.String), title="title"
        )
        return pl.read_parquet(dataset_dir / "interactions.parquet"), titles
    if (dataset_dir / "sequences.txt").is_file():
        no_titles = pl.DataFrame(schema={"item": pl.String, "title": pl.String})
        return _read_lines(dataset_dir / "sequences.txt"), no_titles
    raise UsageError(f"{dataset_dir} holds neither interactions.parquet nor sequences.txt")


def _read_lines(path: Path) -> pl.DataFrame:
    """A line is a user and its items, oldest first; an item's place stands for its time."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return pl.DataFrame(
        {
            "user": [int(row[0]) for row in rows for _item in row[1:]],
            "item": [int(item) for row in rows for item in row[1:]],
            "timestamp": [place for row in rows for place in range(len(row) - 1)],
        }
    )


def _indexed(events: pl.DataFrame, titles: pl.DataFrame) -> Sequences:
    catalogue = _number_items(events, titles)
    item_index = events.join(
        catalogue.select("item", "item_index"), on="item", how="left", maintain_order="left"
    )["item_index"]
    lengths = events.group_by("user", maintain_order=True).len()["len"].to_numpy()
    return Sequences(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=item_index.to_numpy().astype(np.int64),
        times=events["timestamp"].to_numpy() * MICROSECONDS,
        catalogue=catalogue,
    )


def _number_items(events: pl.DataFrame, titles: pl.DataFrame) -> pl.DataFrame:
    """The items by their first appearance, with their titles, as tables.ITEMS has them."""
    first_seen = (
        events.group_by("item")
        .agg(first=pl.col("timestamp").min(), events=pl.len())
        .sort("first", "item")
    )
    return (
        first_seen.with_row_index("item_index", FIRST_ITEM)
        .join(titles, on="item", how="left", maintain_order="left")
        .with_columns(first_time=pl.from_epoch("first").cast(tables.TIME))
        .select(pl.col(name).cast(kind) for name, kind in tables.ITEMS.items())
    )


def training_windows(lengths: np.ndarray, max_length: int) -> Windows:
    """Windows over the leading `lengths` (U,) events of each user."""
    table = cut_windows(lengths, max_length)
    row = table["row"].to_numpy()
    bounds = (table[name].to_numpy().astype(np.int64) for name in ("start", "stop"))
    return Windows(np.arange(len(row), dtype=np.uint32), row, *bounds)


def leave_one_out(sequences: Sequences, max_length: int, held_out: int) -> Histories:
    """The last item tests, the one before validates.

    Training reads all but the last `held_out` items: 2, or 1 as RecTools does.
    """
    lengths = np.diff(sequences.offsets)
    users = np.arange(len(lengths))
    return Histories(
        protocol=Protocol("leave_one_out", max_length, exclude_seen=True),
        users=users.astype(np.uint32),
        offsets=sequences.offsets,
        items=sequences.items,
        times=sequences.times,
        windows=training_windows(lengths - held_out, max_length),
        targets={
            part: Targets(users, lengths - back, lengths - back)
            for part, back in (("valid", 2), ("test", 1))
        },
    )
