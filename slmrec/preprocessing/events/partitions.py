"""Events in total order, in partitions that are kept from one run to the next.

A partition is some days of one month that follow each other: as many as hold PARTITION_EVENTS
events. A generation is what the last run knew: the ids in order and its partitions. A partition is
taken over as it is when it was made from the same chunks under the same params and no number in it
changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Generator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core.checksum import (
    DamagedError,
    check_files,
    file_checksum,
    read_checked_json,
    write_checked_json,
)
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.day_ranges import DayRange, divide
from slmrec.preprocessing.events.encoder import Encoder
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.events.total_order import Ordered, in_total_order

EVENTS, PRESENCE, FACTS = "events.parquet", "presence.arrow", "partition.json"
ORIGINS = pl.Schema({"chunk": pl.UInt32, "file": pl.UInt16, "row": pl.UInt32})
# As tables.EVENTS.
_EVENT_COLUMNS = [
    pl.col("user_index"),
    pl.col("item_index"),
    pl.from_epoch("us", time_unit="us").dt.replace_time_zone("UTC").alias("time"),
    pl.col("weight"),
]


@dataclass(frozen=True)
class Presence:
    """Whose events there are: users and items that have one, and how many each item has."""

    users: np.ndarray  # (U,) user_index, rising
    items: np.ndarray  # (I,) item_index, rising
    item_events: np.ndarray  # (I,)


def presence(events: pl.DataFrame) -> Presence:
    """Presence in a table as tables.EVENTS."""
    users, items = (np.bincount(events[name].to_numpy()) for name in ("user_index", "item_index"))
    return Presence(np.flatnonzero(users), np.flatnonzero(items), items[items > 0])


@dataclass(frozen=True)
class Partition:
    """One partition in a generation's folder."""

    name: str  # as DayRange.name
    folder: Path
    events: int
    ties: int
    duplicates: int
    chunks: list[str]  # names, by the chunk numbers of its origins

    @property
    def file(self) -> Path:
        """Events in total order, as tables.EVENTS."""
        return self.folder / EVENTS

    def presence(self) -> Presence:
        """Presence in the partition's events, which need not be read for it."""
        table = pl.read_ipc(self.folder / PRESENCE)
        columns = [table[field.name].explode(empty_as_null=False) for field in fields(Presence)]
        return Presence(*(column.to_numpy() for column in columns))


@dataclass(frozen=True)
class Plan:
    """How partitions are made: from which old generation into which new one."""

    key: str  # digest of the params that partitions depend on
    origins: bool  # whether each event's chunk and row are written, for rules that leave events out
    old: Path
    new: Path
    users_unchanged: int  # numbers below these mean the same user or item as in the old generation
    items_unchanged: int


def make_partitions(
    chunks: list[Chunk], encoder: Encoder, plan: Plan
) -> Generator[Partition, None, None]:
    """Make every partition, or take it over from the old generation, in order of time.

    Memory: the tables of one partition, for each that is at work.
    """
    return map_in_order(lambda days: _partition(days, encoder, plan), divide(chunks))


def _partition(days: DayRange, encoder: Encoder, plan: Plan) -> Partition:
    old, new = plan.old / days.name, plan.new / days.name
    made_from = json.dumps([plan.key, plan.origins, [chunk.name for chunk in days.chunks]])
    identity = hashlib.sha256(made_from.encode()).hexdigest()
    if _is_current(old, identity, plan):
        shutil.copytree(old, new, copy_function=os.link)
    else:
        _make(days, encoder, identity, plan)
    facts = read_checked_json(new / FACTS)
    return Partition(
        name=days.name,
        folder=new,
        events=facts["events"],
        ties=facts["ties"],
        duplicates=facts["duplicates"],
        chunks=facts["chunks"],
    )


def _is_current(old: Path, identity: str, plan: Plan) -> bool:
    """Whether the partition in the folder `old` is what would be made now."""
    if not (old / FACTS).is_file():
        return False
    try:
        facts: dict[str, Any] = read_checked_json(old / FACTS)
        is_same = (
            facts["identity"] == identity
            and facts["last_user"] < plan.users_unchanged
            and facts["last_item"] < plan.items_unchanged
            and facts["events_stamp"] == _stamp(old / EVENTS)
        )
        check_files(old, facts["checksums"] if is_same else {})
    except DamagedError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return False
    return is_same


def _stamp(path: Path) -> list[int]:
    """Tells whether anyone wrote to a file that the stage's output shares with the cache."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _make(days: DayRange, encoder: Encoder, identity: str, plan: Plan) -> None:
    folder = plan.new / days.name
    folder.mkdir(parents=True)
    ordered = in_total_order(_encoded(days, encoder))
    events = ordered.select(*_EVENT_COLUMNS).events
    events.write_parquet(folder / EVENTS)
    _write_origins(ordered, folder, plan)
    present = presence(events)
    _write_presence(present, folder / PRESENCE)
    facts = {
        "identity": identity,
        "events": len(events),
        "events_stamp": _stamp(folder / EVENTS),
        "ties": ordered.ties,
        "duplicates": len(ordered.repeated),
        "last_user": int(present.users.max(initial=0)),
        "last_item": int(present.items.max(initial=0)),
        "chunks": [chunk.name for chunk in days.chunks],
        "checksums": {file.name: file_checksum(file) for file in sorted(folder.iterdir())},
    }
    write_checked_json(folder / FACTS, facts)


def _encoded(days: DayRange, encoder: Encoder) -> pl.DataFrame:
    tables = [
        encoder.encode(chunk, chunk.events(days.first, days.last), ordinal)
        for ordinal, chunk in enumerate(days.chunks)
    ]
    return pl.concat(tables)


def _write_presence(present: Presence, path: Path) -> None:
    columns = {name: [values] for name, values in vars(present).items()}
    pl.DataFrame(columns).write_ipc(path, compression="uncompressed")


def _write_origins(ordered: Ordered, folder: Path, plan: Plan) -> None:
    """Write where duplicates stood in the raw files, and where events did if the plan asks."""
    origins = ordered.select(*ORIGINS.names())
    origins.duplicates.write_parquet(folder / "duplicates.parquet")
    if plan.origins:
        origins.events.write_parquet(folder / "origins.parquet", compression="lz4")
