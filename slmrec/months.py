"""Months of events in total order, made from chunks and kept from one run to the next.

A generation is what the last run knew: the ids in order and its months. A month is taken over as it is when it was made
from the same chunks under the same params and no number in it changed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec import tables
from slmrec.chunks import Chunk
from slmrec.clock import month_bounds
from slmrec.files import read_json, write_json
from slmrec.in_turn import in_turn
from slmrec.index import Index
from slmrec.ordering import hash_ids, hash_pairs, in_total_order

SLICE_ROWS = 4_000_000  # events sorted at once
PRESENCE = "presence.arrow"
ORIGINS = pl.Schema({"chunk": pl.UInt32, "file": pl.UInt16, "row": pl.UInt32})


@dataclass(frozen=True)
class Presence:
    """Who and what some events are of: users that have one, items that have one, and how many."""

    users: np.ndarray  # (U,) user_index, rising
    items: np.ndarray  # (I,) item_index, rising
    item_events: np.ndarray  # (I,)


def presence(events: pl.DataFrame) -> Presence:
    """Presence in a table as tables.EVENTS."""
    users, items = (np.bincount(events[name].to_numpy()) for name in ("user_index", "item_index"))
    return Presence(np.flatnonzero(users), np.flatnonzero(items), items[items > 0])


@dataclass(frozen=True)
class Month:
    """One month in a generation's folder; `chunks` are the names that the chunk numbers of its origins stand for."""

    name: str
    folder: Path
    events: int
    ties: int
    duplicates: int
    chunks: list[str]

    @property
    def file(self) -> Path:
        """Events in total order, as tables.EVENTS."""
        return self.folder / "events.parquet"

    def presence(self) -> Presence:
        """Presence in the month's events, which need not be read for it."""
        found = pl.read_ipc(self.folder / PRESENCE)
        return Presence(*(found[field.name].explode(empty_as_null=False).to_numpy() for field in fields(Presence)))


@dataclass(frozen=True)
class Plan:
    """How months are made: from which old generation into which new one."""

    key: str  # digest of the params that months depend on
    origins: bool  # whether each event's chunk and row are written beside it, for rules that leave events out
    old: Path
    new: Path
    users_unchanged: int  # numbers below these mean the same user or item as in the old generation
    items_unchanged: int


class Encoder:
    """Turns the codes of chunks into numbers of the two indices, and hashes of their ids."""

    def __init__(self, users: Index, items: Index, seed: int) -> None:
        self._indices = {"users": users, "items": items}
        self._hashes = {"users": hash_ids(users.entries["id"], seed), "items": hash_ids(items.entries["id"], seed)}
        self._map = lru_cache(maxsize=128)(self._map_codes)  # a file in no order of time visits its chunks once a month

    def _map_codes(self, path: Path, kind: str) -> np.ndarray:
        chunk = Chunk(path, 0, {}, ())
        return self._indices[kind].numbers(chunk.ids(kind)["id"])

    def encode(self, chunk: Chunk, events: pl.DataFrame, ordinal: int) -> pl.DataFrame:
        """Events of a chunk with the columns of the total order and their origin."""
        users = self._map(chunk.path, "users")[events["user"].to_numpy()]
        items = self._map(chunk.path, "items")[events["item"].to_numpy()]
        hashes = hash_pairs(self._hashes["users"][users], self._hashes["items"][items - tables.FIRST_ITEM])
        return events.select(
            "us",
            "sequence",
            "weight",
            "file",
            "row",
            user_index=pl.Series(users),
            item_index=pl.Series(items),
            hash=pl.Series(hashes),
            chunk=pl.lit(ordinal, pl.UInt32),
        )


def make_months(chunks: list[Chunk], encoder: Encoder, plan: Plan) -> Iterator[Month]:
    """Make every month, or take it over from the old generation. Memory is a month's table and a slice of it, for each at work."""
    parts: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        for month in chunk.months:
            parts[month].append(chunk)

    def make(month: str) -> Month:
        identity = hashlib.sha256(json.dumps([plan.key, plan.origins, [chunk.name for chunk in parts[month]]]).encode()).hexdigest()
        if not _take_over(plan.old / month, plan.new / month, identity, plan):
            _make(month, parts[month], encoder, identity, plan)
        return read_month(plan.new / month)

    return in_turn(make, sorted(parts))


def read_month(folder: Path) -> Month:
    """A month as it lies in a generation."""
    facts = read_json(folder / "month.json")
    return Month(folder.name, folder, facts["events"], facts["ties"], facts["duplicates"], facts["chunks"])


def _take_over(old: Path, new: Path, identity: str, plan: Plan) -> bool:
    if not (old / "month.json").is_file():
        return False
    facts: dict[str, Any] = read_json(old / "month.json")
    if facts["identity"] != identity or facts["last_user"] >= plan.users_unchanged or facts["last_item"] >= plan.items_unchanged:
        return False
    shutil.copytree(old, new, copy_function=os.link)
    return True


def _make(month: str, chunks: list[Chunk], encoder: Encoder, identity: str, plan: Plan) -> None:
    folder = plan.new / month
    events_made, origins, duplicates, ties = [], [], [], 0
    for piece in _slices(month, chunks, encoder):
        ordered = in_total_order(piece)
        events_made.append(ordered.select(*_EVENT_COLUMNS).events)
        duplicates.append(ordered.select(*ORIGINS.names()).duplicates)
        ties += ordered.ties
        if plan.origins:
            origins.append(ordered.select(*ORIGINS.names()).events)
    events = pl.concat(events_made, rechunk=True)
    folder.mkdir(parents=True)
    events.write_parquet(folder / "events.parquet")
    pl.concat(duplicates).write_parquet(folder / "duplicates.parquet")
    if plan.origins:
        pl.concat(origins).write_parquet(folder / "origins.parquet", compression="lz4")
    present = presence(events)
    columns = {field.name: [getattr(present, field.name)] for field in fields(Presence)}
    pl.DataFrame(columns).write_ipc(folder / PRESENCE, compression="uncompressed")
    facts = {
        "identity": identity,
        "events": len(events),
        "ties": ties,
        "duplicates": sum(map(len, duplicates)),
        "last_user": int(present.users.max(initial=0)),
        "last_item": int(present.items.max(initial=0)),
        "chunks": [chunk.name for chunk in chunks],
    }
    write_json(folder / "month.json", facts)


_EVENT_COLUMNS = [
    pl.col("user_index"),
    pl.col("item_index"),
    pl.from_epoch("us", time_unit="us").dt.replace_time_zone("UTC").alias("time"),
    pl.col("weight"),
]


def _slices(month: str, chunks: list[Chunk], encoder: Encoder) -> Iterator[pl.DataFrame]:
    """The month's events in pieces that follow each other in time, so that each can be sorted alone."""
    first, after = month_bounds(month)
    pieces = -(-sum(chunk.months[month] for chunk in chunks) // SLICE_ROWS)
    bounds = [first + (after - first) * piece // pieces for piece in range(pieces + 1)]
    for start, stop in itertools.pairwise(bounds):
        parts = []
        for ordinal, chunk in enumerate(chunks):
            events = chunk.events(month)
            if pieces > 1:
                events = events.filter(pl.col("us").is_between(start, stop, closed="left"))
            parts.append(encoder.encode(chunk, events, ordinal))
        yield pl.concat(parts)
