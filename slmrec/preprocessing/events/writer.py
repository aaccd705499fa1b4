"""What prepare writes for others: events after the rules, users, items, and what was counted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import sync, write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events import filters
from slmrec.preprocessing.events.catalogue import Catalogue
from slmrec.preprocessing.events.filters import RULES, Flat
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.events.partitions import ORIGINS, Part, Presence, presence
from slmrec.preprocessing.events.quarantine import DUPLICATE, Quarantine
from slmrec.preprocessing.events.snapshot import Generation
from slmrec.preprocessing.events.timestamps import say_time


@dataclass(frozen=True)
class Facts:
    """What was counted while events were written; times in microseconds since 1970 UTC."""

    events: int
    users: int
    ties: int  # of all events before the rules
    ordered: int  # events before the rules
    item_events: np.ndarray  # (I,) events of each item after the rules
    first_us: int
    last_us: int

    def as_metrics(
        self, quarantine: Quarantine, catalogue: Catalogue, known_items: int
    ) -> dict[str, Any]:
        """The content of metrics/data.json."""
        return {
            "rows": quarantine.rows,
            "events": self.events,
            "users": self.users,
            "items": int((self.item_events > 0).sum()),
            "items_numbered": len(self.item_events),
            "items_known_before": known_items,
            "items_listed_differently": catalogue.listed_differently,
            "quarantined": quarantine.bad(),
            "left_out": quarantine.left_out(),
            "ties_share": round(self.ties / self.ordered, 6),
            "first_event": say_time(self.first_us),
            "last_event": say_time(self.last_us),
        }


def write_parts(
    generation: Generation, p: PrepareParams, quarantine: Quarantine, folder: Path
) -> Facts:
    """Write the events that the rules keep, and set the others and the duplicates aside."""
    parts = _without_duplicates(generation.parts, quarantine)
    judged = (
        _judged(list(parts), p, quarantine)
        if filters.active(p)
        else ((part, None) for part in parts)
    )
    counts = np.zeros(len(generation.items) + FIRST_ITEM, dtype=np.int64)
    users = np.zeros(len(generation.users), dtype=bool)
    written: list[Path] = []
    ties = ordered = 0
    for part, path, present in map_in_order(
        lambda job: _write_part(*job, folder / "events"), judged
    ):
        ties += part.ties
        ordered += part.events
        if len(present.users):
            written.append(path)
            counts[present.items] += present.item_events
            users[present.users] = True
    if not written:
        raise DataError(
            "no event is left; read the counts in the quarantine table, then loosen the rules of prepare in params.yaml"
        )
    return Facts(
        events=int(counts.sum()),
        users=int(users.sum()),
        ties=ties,
        ordered=ordered,
        item_events=counts[FIRST_ITEM:],
        first_us=_times(written[0]).first().collect().item(),
        last_us=_times(written[-1]).last().collect().item(),
    )


def _times(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path).select(pl.col("time").dt.epoch("us"))


def _without_duplicates(parts: Iterable[Part], quarantine: Quarantine) -> Iterator[Part]:
    """The parts as they come, their duplicates set aside."""
    for part in parts:
        if part.duplicates:
            _set_aside(
                part, pl.read_parquet(part.folder / "duplicates.parquet"), DUPLICATE, quarantine
            )
        yield part


def _judged(
    parts: list[Part], p: PrepareParams, quarantine: Quarantine
) -> Iterator[tuple[Part, np.ndarray]]:
    """Each part with what the rules say of its events; those that they leave out are set aside."""
    for part, removed_by in zip(parts, _removals(parts, p), strict=True):
        if removed_by.any():
            origins = pl.read_parquet(part.folder / "origins.parquet")
            for rule in np.unique(removed_by[removed_by > 0]):
                _set_aside(
                    part, origins.filter(pl.Series(removed_by == rule)), RULES[rule], quarantine
                )
        yield part, removed_by


def _removals(parts: list[Part], p: PrepareParams) -> list[np.ndarray]:
    tables_read = [
        pl.read_parquet(part.file, columns=["user_index", "item_index", "time"]) for part in parts
    ]
    flat = Flat(
        users=np.concatenate([table["user_index"].to_numpy() for table in tables_read]),
        items=np.concatenate([table["item_index"].to_numpy() for table in tables_read]),
        days=np.concatenate(
            [filters.days_of(table["time"].dt.epoch("us").to_numpy()) for table in tables_read]
        ),
    )
    return np.split(filters.apply(flat, p), np.cumsum([part.events for part in parts])[:-1])


def _write_part(
    part: Part, removed_by: np.ndarray | None, events: Path
) -> tuple[Part, Path, Presence]:
    """Write a part's events where the rules keep any; where to, and who and what they are of."""
    path = events / f"{part.name}.parquet"
    if removed_by is None or not removed_by.any():
        path.parent.mkdir(parents=True, exist_ok=True)
        _share(part.file, path)
        present = part.presence()
    else:
        kept = pl.read_parquet(part.file).filter(pl.Series(removed_by == filters.KEPT)).rechunk()
        present = presence(kept)
        if not len(kept):
            return part, path, present
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.write_parquet(path)
    sync(path)  # the disk writes while the next parts are made
    return part, path, present


def _share(kept: Path, path: Path) -> None:
    """Give a file of the cache another name, or copy it where that cannot be, as between disks. The cache sees when it is changed."""
    try:
        os.link(kept, path)
    except OSError:
        shutil.copyfile(kept, path)


def _set_aside(part: Part, origins: pl.DataFrame, reason: str, quarantine: Quarantine) -> None:
    for (chunk, file), rows in origins.select(ORIGINS.names()).group_by(
        "chunk", "file", maintain_order=True
    ):
        quarantine.add_rows(rows["row"], reason, quarantine.file_of(part.chunks[chunk], file))


def write_tables(
    generation: Generation, previous: pl.DataFrame, catalogue: Catalogue, facts: Facts, folder: Path
) -> None:
    """Write users, items and the items' other attributes."""
    users = generation.users.select(user="id").with_row_index("user_index")
    users.select(tables.USERS.names()).write_parquet(folder / "users.parquet")
    items = generation.items.with_row_index("item_index", offset=FIRST_ITEM).with_columns(
        events=pl.Series(facts.item_events)
    )
    items = items.join(catalogue.items, on="id", how="left", maintain_order="left")
    items = items.join(
        previous.select(id="item", known_title="title"), on="id", how="left", maintain_order="left"
    )
    table = items.select(
        "item_index",
        item="id",
        title=pl.coalesce("title", "known_title"),
        first_time=pl.from_epoch("first_us", time_unit="us").dt.replace_time_zone("UTC"),
        events="events",
    )
    table.cast(tables.ITEMS).write_parquet(folder / "items.parquet")
    others = [name for name in catalogue.items.columns if name not in ("id", "title")]
    items.select("item_index", *others).write_parquet(folder / "item_attributes.parquet")
    write_json(folder / "known.json", {"items": len(previous)})
