"""What prepare writes for others: events after the rules, users, items, and what was counted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrec import rules, tables
from slmrec.catalogue import Catalogue
from slmrec.clock import say_time
from slmrec.errors import DataError
from slmrec.files import write_json
from slmrec.generation import Generation
from slmrec.months import ORIGINS, Month
from slmrec.params import PrepareParams
from slmrec.quarantine import DUPLICATE, Quarantine
from slmrec.rules import RULES, Flat
from slmrec.vocabulary import FIRST_ITEM


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

    def as_metrics(self, quarantine: Quarantine, catalogue: Catalogue, known_items: int) -> dict[str, Any]:
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


def write_months(generation: Generation, p: PrepareParams, quarantine: Quarantine, folder: Path) -> Facts:
    """Write the events that the rules keep, and set the others and the duplicates aside."""
    for month in generation.months:
        _set_aside(month, pl.read_parquet(month.folder / "duplicates.parquet"), DUPLICATE, quarantine)
    fates = _fates(generation.months, p) if rules.active(p) else None
    counts = np.zeros(len(generation.items) + FIRST_ITEM, dtype=np.int64)
    users = np.zeros(len(generation.users), dtype=bool)
    written: list[Path] = []
    for number, month in enumerate(generation.months):
        path = folder / "events" / f"month={month.name}" / "events.parquet"
        if _write_month(month, None if fates is None else fates[number], quarantine, path):
            written.append(path)
            kept = pl.read_parquet(path, columns=["user_index", "item_index"])
            counts += np.bincount(kept["item_index"].to_numpy(), minlength=len(counts))
            users[kept["user_index"].to_numpy()] = True
    if not written:
        raise DataError("no event is left; read the counts in the quarantine table, then loosen the rules of prepare in params.yaml")
    edges = [pl.scan_parquet(path).select(pl.col("time").dt.epoch("us")).collect().to_series() for path in (written[0], written[-1])]
    return Facts(
        events=int(counts.sum()),
        users=int(users.sum()),
        ties=sum(month.ties for month in generation.months),
        ordered=sum(month.events for month in generation.months),
        item_events=counts[FIRST_ITEM:],
        first_us=int(edges[0][0]),
        last_us=int(edges[1][-1]),
    )


def _fates(months: list[Month], p: PrepareParams) -> list[np.ndarray]:
    """What the rules say of each month's events."""
    tables_read = [pl.read_parquet(month.file, columns=["user_index", "item_index", "time"]) for month in months]
    flat = Flat(
        users=np.concatenate([table["user_index"].to_numpy() for table in tables_read]),
        items=np.concatenate([table["item_index"].to_numpy() for table in tables_read]),
        days=np.concatenate([rules.days_of(table["time"].dt.epoch("us").to_numpy()) for table in tables_read]),
    )
    return np.split(rules.apply(flat, p), np.cumsum([month.events for month in months])[:-1])


def _write_month(month: Month, fate: np.ndarray | None, quarantine: Quarantine, path: Path) -> bool:
    """Write a month's events; False when the rules keep none."""
    if fate is not None and fate.any():
        origins = pl.read_parquet(month.folder / "origins.parquet")
        for rule in np.unique(fate[fate > 0]):
            _set_aside(month, origins.filter(pl.Series(fate == rule)), RULES[rule], quarantine)
        if fate.all():
            return False
        path.parent.mkdir(parents=True)
        pl.read_parquet(month.file).filter(pl.Series(fate == rules.KEPT)).rechunk().write_parquet(path)
        return True
    path.parent.mkdir(parents=True)
    shutil.copyfile(month.file, path)
    return True


def _set_aside(month: Month, origins: pl.DataFrame, reason: str, quarantine: Quarantine) -> None:
    for (chunk, file), rows in origins.select(ORIGINS.names()).group_by("chunk", "file", maintain_order=True):
        quarantine.add_rows(rows["row"], reason, quarantine.file_of(month.chunks[chunk], file))


def write_tables(generation: Generation, previous: pl.DataFrame, catalogue: Catalogue, facts: Facts, folder: Path) -> None:
    """Write users, items and the items' other attributes."""
    users = generation.users.select(user="id").with_row_index("user_index")
    users.select(tables.USERS.names()).write_parquet(folder / "users.parquet")
    items = generation.items.with_row_index("item_index", offset=FIRST_ITEM).with_columns(events=pl.Series(facts.item_events))
    items = items.join(catalogue.items, on="id", how="left", maintain_order="left")
    items = items.join(previous.select(id="item", known_title="title"), on="id", how="left", maintain_order="left")
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
