"""What prepare writes: events after the rules, users, items, and what was counted."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import sync, write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.catalogue import Catalogue
from slmrec.preprocessing.events.filters import KEPT
from slmrec.preprocessing.events.listed import Overlap, compare_with_list
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.events.partition_rules import Judged, judge_partitions
from slmrec.preprocessing.events.partitions import Partition, Presence, presence
from slmrec.preprocessing.events.quarantine import Quarantine
from slmrec.preprocessing.events.snapshot import Generation
from slmrec.preprocessing.events.timestamps import format_time


@dataclass
class EventCounts:
    """What is counted while events are written; U users and I items are numbered."""

    user_present: np.ndarray  # (U,) bool, whether a user has an event after the rules
    item_events: np.ndarray  # (FIRST_ITEM + I,) events of each item after the rules
    ties: int = 0  # of all events before the rules
    ordered: int = 0  # events before the rules
    first_us: int = 0  # of the events after the rules
    last_us: int = 0

    @staticmethod
    def of_nothing(generation: Generation) -> EventCounts:
        """Counts to begin with."""
        return EventCounts(
            user_present=np.zeros(len(generation.users), dtype=bool),
            item_events=np.zeros(FIRST_ITEM + len(generation.items), dtype=np.int64),
        )

    def add(self, partition: Partition, present: Presence) -> None:
        """Count a partition and what the rules left of it."""
        self.ties += partition.ties
        self.ordered += partition.events
        self.user_present[present.users] = True
        self.item_events[present.items] += present.item_events

    def as_metrics(
        self,
        quarantine: Quarantine,
        catalogue: Catalogue,
        known_items: int,
        overlap: Overlap | None,
    ) -> dict[str, Any]:
        """The content of metrics/data.json; `overlap` is None where no item files are named."""
        listed = {} if overlap is None else {"events_listed_share": round(overlap.share, 6)}
        return {
            "rows": quarantine.rows,
            "events": int(self.item_events.sum()),
            "users": int(self.user_present.sum()),
            "items": int((self.item_events > 0).sum()),
            "items_numbered": len(self.item_events) - FIRST_ITEM,
            "items_known_before": known_items,
            "items_listed_differently": catalogue.listed_differently,
            **listed,
            "quarantined": quarantine.bad(),
            "left_out": quarantine.left_out(),
            "ties_share": round(self.ties / self.ordered, 6),
            "first_event": format_time(self.first_us),
            "last_event": format_time(self.last_us),
        }

    def compare_with_list(self, generation: Generation, catalogue: Catalogue) -> Overlap:
        """Hold the events' items against those that the item files list."""
        events = self.item_events[FIRST_ITEM:]
        return compare_with_list(generation.items["id"], events, catalogue.items["id"])


def write_events(
    generation: Generation, p: PrepareParams, quarantine: Quarantine, folder: Path
) -> EventCounts:
    """Write the events that the rules keep, and set the others and the duplicates aside.

    Raises DataError when no event is left.
    """
    counts = EventCounts.of_nothing(generation)
    paths: list[Path] = []
    judged = judge_partitions(generation.partitions, p, quarantine)
    for partition, path, present in map_in_order(partial(_write_partition, folder), judged):
        counts.add(partition, present)
        if len(present.users):
            paths.append(path)
    if not paths:
        raise DataError(
            "no event is left; read the counts in the quarantine table, "
            "then loosen the rules of prepare in params.yaml"
        )
    counts.first_us = _times(paths[0]).first().collect().item()
    counts.last_us = _times(paths[-1]).last().collect().item()
    return counts


def _times(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path).select(pl.col("time").dt.epoch("us"))


def _write_partition(folder: Path, judged: Judged) -> tuple[Partition, Path, Presence]:
    """Write a partition's events where the rules keep any: to which path, and whose they are."""
    partition, removed_by = judged
    path = folder / "events" / f"{partition.name}.parquet"
    if removed_by is None or not removed_by.any():
        path.parent.mkdir(parents=True, exist_ok=True)
        _share(partition.file, path)
        sync(path)  # the disk writes while the next partitions are made
        return partition, path, partition.presence()
    is_kept = pl.Series(removed_by == KEPT)
    events = pl.read_parquet(partition.file).filter(is_kept).rechunk()
    if len(events):
        path.parent.mkdir(parents=True, exist_ok=True)
        events.write_parquet(path)
        sync(path)
    return partition, path, presence(events)


def _share(cached: Path, path: Path) -> None:
    """Give a file of the cache a second name, or copy it where that cannot be, as between disks.

    The cache sees when the file is changed under its second name.
    """
    try:
        os.link(cached, path)
    except OSError:
        shutil.copyfile(cached, path)


def write_tables(
    generation: Generation,
    previous: pl.DataFrame,
    catalogue: Catalogue,
    counts: EventCounts,
    folder: Path,
) -> None:
    """Write users, items and the items' other attributes."""
    users = generation.users.select(user="id").with_row_index("user_index")
    users.select(tables.USERS.names()).write_parquet(folder / "users.parquet")
    numbered = generation.items.with_row_index("item_index", offset=FIRST_ITEM)
    events = pl.Series(counts.item_events[FIRST_ITEM:])
    items = _item_table(numbered.with_columns(events=events), previous, catalogue)
    items.write_parquet(folder / "items.parquet")
    attributes = _join(numbered.select("item_index", "id"), catalogue.items.drop("title"))
    attributes.drop("id").write_parquet(folder / "item_attributes.parquet")
    write_json(folder / "known.json", {"items": len(previous)})


def _item_table(items: pl.DataFrame, previous: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Numbered items as tables.ITEMS; a title that is listed no more is the previous index's."""
    items = _join(items, catalogue.items.select("id", "title"))
    items = _join(items, previous.select(id="item", previous_title="title"))
    table = items.select(
        "item_index",
        item="id",
        title=pl.coalesce("title", "previous_title"),
        first_time=pl.from_epoch("first_us", time_unit="us").dt.replace_time_zone("UTC"),
        events="events",
    )
    return table.cast(tables.ITEMS)


def _join(items: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    return items.join(facts, on="id", how="left", maintain_order="left")
