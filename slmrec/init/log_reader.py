"""The events and titles that prepare would read, as numbers to count with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from slmrec.params.prepare import ItemSource, PrepareParams
from slmrec.preprocessing.events.chunk_store import LIST_ROWS
from slmrec.preprocessing.events.id_text import as_id
from slmrec.preprocessing.events.parse import parse
from slmrec.preprocessing.logs.log_files import (
    LogFile,
    event_columns,
    find_files,
    item_columns,
    read_batches,
)
from slmrec.preprocessing.logs.text_blocks import RowBatch

MAX_ROWS = 20_000_000  # read at most; more logs are counted by their first files
MAX_ITEM_ROWS = 5_000_000
EVENTS = pl.Schema(
    {"user": pl.UInt64(), "item": pl.UInt64(), "us": pl.Int64(), "sequence": pl.Int64()}
)


@dataclass(frozen=True)
class EventRows:
    """Events with ids as hashes, how many rows are none, and which share of all rows was read."""

    events: pl.DataFrame
    bad: int
    share: float

    def without_repeats(self) -> EventRows:
        """Only the first event of each user and item."""
        events = self.events.sort("user", "us", "sequence")
        return replace(
            self, events=events.unique(["user", "item"], keep="first", maintain_order=True)
        )


def read_events(data_dir: Path, p: PrepareParams, expected_rows: int) -> EventRows:
    """Every event, or those of the first MAX_ROWS rows of evenly chosen files.

    Raises DataError as prepare would.
    """
    frames, bad, rows = [], 0, 0
    for batch in _batches(_spread(find_files(data_dir, p.events), expected_rows), p):
        parsed = parse(batch, p)
        frames.append(_hashed(parsed.events, parsed.users["id"], parsed.items["id"]))
        bad += len(parsed.bad)
        rows += len(parsed.events) + len(parsed.bad)
        if rows >= MAX_ROWS:
            break
    share = min(rows / expected_rows, 1.0) if rows >= MAX_ROWS else 1.0
    return EventRows(pl.concat(frames) if frames else EVENTS.to_frame(), bad, share)


def _spread(files: list[LogFile], expected_rows: int) -> list[LogFile]:
    """All files, or every n-th where that is as much as will be read."""
    return files[:: max(expected_rows // MAX_ROWS, 1)] if len(files) > 1 else files


def _batches(files: list[LogFile], p: PrepareParams) -> Iterator[RowBatch]:
    for file in files:
        for batch in read_batches(file, p.events, event_columns(p.events.columns)):
            number = pl.lit(0, pl.UInt16)  # parse wants the file of each row
            bad = batch.bad.with_columns(file=number)
            rows_at_once = LIST_ROWS if p.events.lists == "explode" else max(len(batch.rows), 1)
            yield RowBatch(batch.rows.head(0).with_columns(file=number), bad)
            for rows in batch.rows.iter_slices(rows_at_once):
                yield RowBatch(rows.with_columns(file=number), bad.clear())


def _hashed(events: pl.DataFrame, users: pl.Series, items: pl.Series) -> pl.DataFrame:
    """Events with the hashes of their ids: counting needs no text."""
    return events.select(
        user=users.hash().gather(events["user"]),
        item=items.hash().gather(events["item"]),
        us="us",
        sequence="sequence",
    )


def read_catalogue(data_dir: Path, source: ItemSource) -> pl.DataFrame:
    """Hash of every listed item, and whether it has a title; each item once.

    Raises DataError as prepare would.
    """
    frames, rows = [], 0
    for file in find_files(data_dir, source):
        for batch in read_batches(file, source, item_columns(source.columns)):
            frames.append(_titled(batch.rows, source))
            rows += len(batch.rows)
        if rows >= MAX_ITEM_ROWS:
            break
    return pl.concat(frames).group_by("item", maintain_order=True).agg(pl.col("titled").any())


def _titled(rows: pl.DataFrame, source: ItemSource) -> pl.DataFrame:
    ids, title = as_id(rows[source.columns.item]), source.columns.title
    texts = rows[title].cast(pl.String) if title else pl.Series([None], dtype=pl.String)
    titled = (texts.str.strip_chars() != "").fill_null(False)
    frame = pl.DataFrame({"item": ids, "titled": titled if title else [False] * len(ids)})
    return frame.filter(pl.col("item").is_not_null()).with_columns(pl.col("item").hash())
