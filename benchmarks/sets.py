"""The benchmark sets as histories. They are read where they lie: their terms allow research use, not redistribution."""

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


@dataclass(frozen=True)
class Sequences:
    """All users' items in total order, users of fewer than three events left out; `items` are as tables.ITEMS."""

    offsets: np.ndarray  # (U + 1,) int64
    items: np.ndarray  # (E,) int64 item_index
    times: np.ndarray  # (E,) int64, microseconds
    catalogue: pl.DataFrame

    @property
    def rows(self) -> int:
        """Rows of an item table: PAD, UNK and the items."""
        return len(self.catalogue) + FIRST_ITEM


def read_sequences(folder: Path) -> Sequences:
    """Read a set: interactions.parquet with items.parquet, or sequences.txt. Raises UsageError when neither is there."""
    if (folder / "interactions.parquet").is_file():
        events = pl.read_parquet(folder / "interactions.parquet")
        titles = pl.read_parquet(folder / "items.parquet").select(
            item=pl.col("item").cast(pl.String), title="title"
        )
    elif (folder / "sequences.txt").is_file():
        events = _read_lines(folder / "sequences.txt")
        titles = pl.DataFrame(schema={"item": pl.String, "title": pl.String})
    else:
        raise UsageError(f"{folder} holds neither interactions.parquet nor sequences.txt")
    tie = pl.struct("user", "item").hash(HASH_SEED)
    events = (
        events.with_columns(tie=tie)
        .filter(pl.len().over("user") >= 3)
        .sort("user", "timestamp", "tie")
    )
    return _indexed(events.with_columns(item=pl.col("item").cast(pl.String)), titles)


def _read_lines(path: Path) -> pl.DataFrame:
    rows = [line.split() for line in path.read_text().splitlines()]
    users = [int(row[0]) for row in rows for _item in row[1:]]
    items = [int(item) for row in rows for item in row[1:]]
    places = [
        place for row in rows for place in range(len(row) - 1)
    ]  # the order in the file stands for time
    return pl.DataFrame({"user": users, "item": items, "timestamp": places})


def _indexed(events: pl.DataFrame, titles: pl.DataFrame) -> Sequences:
    seen = (
        events.group_by("item")
        .agg(first=pl.col("timestamp").min(), events=pl.len())
        .sort("first", "item")
    )
    catalogue = (
        seen.with_row_index("item_index", FIRST_ITEM)
        .join(titles, on="item", how="left", maintain_order="left")
        .with_columns(first_time=pl.from_epoch("first").cast(tables.TIME))
        .select(pl.col(name).cast(kind) for name, kind in tables.ITEMS.items())
    )
    indices = events.join(
        catalogue.select("item", "item_index"), on="item", how="left", maintain_order="left"
    )["item_index"]
    lengths = events.group_by("user", maintain_order=True).len()["len"].to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(
        offsets,
        indices.to_numpy().astype(np.int64),
        events["timestamp"].to_numpy() * 1_000_000,
        catalogue,
    )


def windows_of(training: np.ndarray, max_length: int) -> Windows:
    """Windows over each user's leading `training` (U,) events."""
    cut = cut_windows(training, max_length)
    row = cut["row"].to_numpy()
    bounds = (cut[name].to_numpy().astype(np.int64) for name in ("start", "stop"))
    return Windows(np.arange(len(row), dtype=np.uint32), row, *bounds)


def leave_one_out(sequences: Sequences, max_length: int, held_out: int) -> Histories:
    """The last item tests, the one before validates; training reads all but the last `held_out` (2, or 1 as RecTools does)."""
    lengths = np.diff(sequences.offsets)
    users = np.arange(len(lengths))
    windows = windows_of(lengths - held_out, max_length)
    targets = {
        part: Targets(users, lengths - back, lengths - back)
        for part, back in (("valid", 2), ("test", 1))
    }
    protocol = Protocol("leave_one_out", max_length, exclude_seen=True)
    return Histories(
        protocol,
        users.astype(np.uint32),
        sequences.offsets,
        sequences.items,
        sequences.times,
        windows,
        targets,
    )
