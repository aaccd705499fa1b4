"""Events in total order, in parts made from chunks and kept from one run to the next.

A part is some days of one month that follow each other: as many as hold PART_EVENTS events. A
generation is what the last run knew: the ids in order and its parts. A part is taken over as it is
when it was made from the same chunks under the same params and no number in it changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.files import read_json, write_json
from slmrec.preprocessing.events.chunk_store import Chunk, scan_ids
from slmrec.preprocessing.events.id_index import Index
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.events.timestamps import DAY_US, say_time
from slmrec.preprocessing.events.total_order import hash_ids, hash_pairs, in_total_order

PART_EVENTS = 2_000_000  # a part is closed when it holds so many; all events of a day are in one
EVENTS, PRESENCE, FACTS = "events.parquet", "presence.arrow", "part.json"
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
class Days:
    """Days that follow each other in one month, as days since 1970 UTC; the chunks that hold events of them."""

    first: int
    last: int
    chunks: list[Chunk]

    @property
    def name(self) -> str:
        """The part's path below a folder of parts: month=YYYY-MM/from-DD."""
        date = _date(self.first)
        return f"month={date[:7]}/from-{date[8:]}"


@dataclass(frozen=True)
class Part:
    """One part in a generation's folder; `chunks` are the names that the chunk numbers of its origins stand for."""

    name: str  # as Days.name
    folder: Path
    events: int
    ties: int
    duplicates: int
    chunks: list[str]

    @property
    def file(self) -> Path:
        """Events in total order, as tables.EVENTS."""
        return self.folder / EVENTS

    def presence(self) -> Presence:
        """Presence in the part's events, which need not be read for it."""
        found = pl.read_ipc(self.folder / PRESENCE)
        return Presence(
            *(
                found[field.name].explode(empty_as_null=False).to_numpy()
                for field in fields(Presence)
            )
        )


@dataclass(frozen=True)
class Plan:
    """How parts are made: from which old generation into which new one."""

    key: str  # digest of the params that parts depend on
    origins: bool  # whether each event's chunk and row are written beside it, for rules that leave events out
    old: Path
    new: Path
    users_unchanged: int  # numbers below these mean the same user or item as in the old generation
    items_unchanged: int


class Encoder:
    """Turns the codes of chunks into numbers of the two indices, and hashes of their ids."""

    def __init__(self, users: Index, items: Index, seed: int) -> None:
        self._indices = {"users": users, "items": items}
        self._hashes = {
            "users": hash_ids(users.entries["id"], seed),
            "items": hash_ids(items.entries["id"], seed),
        }
        self._map = lru_cache(maxsize=128)(
            self._map_codes
        )  # a file in no order of time visits its chunks once a part

    def _map_codes(self, path: Path, kind: str) -> np.ndarray:
        return self._indices[kind].numbers(scan_ids(path, kind).select("id").collect()["id"])

    def encode(self, chunk: Chunk, events: pl.DataFrame, ordinal: int) -> pl.DataFrame:
        """Events of a chunk with the columns of the total order and their origin."""
        users = self._map(chunk.path, "users")[events["user"].to_numpy()]
        items = self._map(chunk.path, "items")[events["item"].to_numpy()]
        hashes = hash_pairs(
            self._hashes["users"][users], self._hashes["items"][items - tables.FIRST_ITEM]
        )
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


def make_parts(chunks: list[Chunk], encoder: Encoder, plan: Plan) -> Iterator[Part]:
    """Make every part, or take it over from the old generation. Memory is a part's tables, for each at work."""

    def make(days: Days) -> Part:
        old, new = plan.old / days.name, plan.new / days.name
        identity = hashlib.sha256(
            json.dumps([plan.key, plan.origins, [chunk.name for chunk in days.chunks]]).encode()
        ).hexdigest()
        if not _take_over(old, new, identity, plan):
            _make(days, encoder, identity, plan)
        facts = read_json(new / FACTS)
        return Part(
            days.name, new, facts["events"], facts["ties"], facts["duplicates"], facts["chunks"]
        )

    return map_in_order(make, divide(chunks))


def divide(chunks: list[Chunk]) -> list[Days]:
    """All days in parts, in order of time."""
    if not chunks:
        return []
    days, places = np.unique(np.concatenate([chunk.days for chunk in chunks]), return_inverse=True)
    events = np.bincount(
        places, weights=np.concatenate([chunk.events_of_days for chunk in chunks])
    ).astype(np.int64)
    spans: list[tuple[int, int]] = []
    month, held = "", 0
    for day, count in zip(days.tolist(), events.tolist(), strict=True):
        if held >= PART_EVENTS or _date(day)[:7] != month:
            spans.append((day, day))
            month, held = _date(day)[:7], 0
        spans[-1] = (spans[-1][0], day)
        held += count
    return [
        Days(first, last, [chunk for chunk in chunks if chunk.holds(first, last)])
        for first, last in spans
    ]


def _date(day: int) -> str:
    return say_time(day * DAY_US)[:10]


def _take_over(old: Path, new: Path, identity: str, plan: Plan) -> bool:
    if not (old / FACTS).is_file():
        return False
    facts: dict[str, Any] = read_json(old / FACTS)
    if (
        facts["identity"] != identity
        or facts["last_user"] >= plan.users_unchanged
        or facts["last_item"] >= plan.items_unchanged
    ):
        return False
    if facts["events_stamp"] != _stamp(old / EVENTS):
        return False
    shutil.copytree(old, new, copy_function=os.link)
    return True


def _stamp(path: Path) -> list[int]:
    """Tells whether anyone wrote to a file that the stage's output shares with the cache."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _make(days: Days, encoder: Encoder, identity: str, plan: Plan) -> None:
    folder = plan.new / days.name
    folder.mkdir(parents=True)
    rows = pl.concat(
        [
            encoder.encode(chunk, chunk.events(days.first, days.last), ordinal)
            for ordinal, chunk in enumerate(days.chunks)
        ]
    )
    ordered = in_total_order(rows)
    events = ordered.select(*_EVENT_COLUMNS).events
    events.write_parquet(folder / EVENTS)
    origins = ordered.select(*ORIGINS.names())
    origins.duplicates.write_parquet(folder / "duplicates.parquet")
    if plan.origins:
        origins.events.write_parquet(folder / "origins.parquet", compression="lz4")
    present = presence(events)
    columns = {field.name: [getattr(present, field.name)] for field in fields(Presence)}
    pl.DataFrame(columns).write_ipc(folder / PRESENCE, compression="uncompressed")
    facts = {
        "identity": identity,
        "events": len(events),
        "events_stamp": _stamp(folder / EVENTS),
        "ties": ordered.ties,
        "duplicates": len(ordered.again),
        "last_user": int(present.users.max(initial=0)),
        "last_item": int(present.items.max(initial=0)),
        "chunks": [chunk.name for chunk in days.chunks],
    }
    write_json(folder / FACTS, facts)


_EVENT_COLUMNS = [
    pl.col("user_index"),
    pl.col("item_index"),
    pl.from_epoch("us", time_unit="us").dt.replace_time_zone("UTC").alias("time"),
    pl.col("weight"),
]
