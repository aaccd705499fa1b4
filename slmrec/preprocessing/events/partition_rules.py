"""What duplicates and the rules of params.yaml leave out of the partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.filters import (
    RULES,
    EventArrays,
    apply_rules,
    days_of,
    has_rules,
)
from slmrec.preprocessing.events.partitions import ORIGINS, Partition
from slmrec.preprocessing.events.quarantine import DUPLICATE, Quarantine

Judged = tuple[Partition, np.ndarray | None]  # None where no rule is asked for


def judge_partitions(
    partitions: Iterable[Partition], p: PrepareParams, quarantine: Quarantine
) -> Iterator[Judged]:
    """Each partition with the rule that removes each of its events, as in filters.apply_rules.

    Duplicates and the events that a rule removes are set aside. Without rules the partitions
    stream; the rules look at all of them first.
    """
    distinct = _without_duplicates(partitions, quarantine)
    if not has_rules(p):
        return ((partition, None) for partition in distinct)
    return _apply_rules(list(distinct), p, quarantine)


def _without_duplicates(
    partitions: Iterable[Partition], quarantine: Quarantine
) -> Iterator[Partition]:
    for partition in partitions:
        if partition.duplicates:
            duplicates = pl.read_parquet(partition.folder / "duplicates.parquet")
            _set_aside(partition, duplicates, DUPLICATE, quarantine)
        yield partition


def _apply_rules(
    partitions: list[Partition], p: PrepareParams, quarantine: Quarantine
) -> Iterator[Judged]:
    removals = apply_rules(_event_arrays(partitions), p)
    bounds = np.cumsum([partition.events for partition in partitions])[:-1]
    for partition, removed_by in zip(partitions, np.split(removals, bounds), strict=True):
        if removed_by.any():
            origins = pl.read_parquet(partition.folder / "origins.parquet")
            for rule in np.unique(removed_by[removed_by > 0]):
                removed = origins.filter(pl.Series(removed_by == rule))
                _set_aside(partition, removed, RULES[rule], quarantine)
        yield partition, removed_by


def _event_arrays(partitions: list[Partition]) -> EventArrays:
    columns = ["user_index", "item_index", "time"]
    tables = [pl.read_parquet(partition.file, columns=columns) for partition in partitions]
    days = [days_of(table["time"].dt.epoch("us").to_numpy()) for table in tables]
    return EventArrays(
        users=np.concatenate([table["user_index"].to_numpy() for table in tables]),
        items=np.concatenate([table["item_index"].to_numpy() for table in tables]),
        days=np.concatenate(days),
    )


def _set_aside(
    partition: Partition, origins: pl.DataFrame, reason: str, quarantine: Quarantine
) -> None:
    files = origins.select(ORIGINS.names()).group_by("chunk", "file", maintain_order=True)
    for (chunk, file), rows in files:
        name = quarantine.file_of(partition.chunks[chunk], file)
        quarantine.add_rows(rows["row"], reason, name)
