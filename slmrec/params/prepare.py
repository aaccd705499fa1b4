"""Section `prepare`: which files, which columns, which rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slmrec.params.section import Count, Section, Seed, Share, TopSection


class EventColumns(Section):
    user: str
    item: str
    time: str
    sequence: str | None  # orders events of equal time, where the logs have it
    weight: str | None
    type: str | None


Format = Literal["parquet", "csv", "tsv", "jsonl", "by_name"]
Delimiter = Annotated[str, Field(min_length=1, max_length=1)]


class EventSource(Section):
    files: list[str] = Field(min_length=1)
    format: Format
    delimiter: Delimiter | None  # of csv and tsv; None is a comma for csv, a tab for tsv
    columns: EventColumns
    time_format: Literal["epoch_s", "epoch_ms", "epoch_us", "iso8601", "iso8601_utc"]


class ItemColumns(Section):
    item: str
    title: str | None
    others: list[str]  # kept as text in item_attributes.parquet


class ItemSource(Section):
    files: list[str] = Field(min_length=1)
    format: Format
    delimiter: Delimiter | None
    columns: ItemColumns


class PrepareParams(TopSection):
    KEY = "prepare"

    seed: Seed
    events: EventSource
    items: ItemSource | None
    keep_types: list[str]
    min_weight: float | None
    repeats: Literal["keep", "collapse", "first"]
    min_user_events: Count
    min_item_events: Count
    max_history: Count | None
    max_events_per_day: Count | None
    earliest: str  # ISO 8601 with zone; events before it are quarantined
    latest: str
    max_quarantine_share: Share

    @model_validator(mode="after")
    def _rules_have_their_columns(self) -> PrepareParams:
        columns = self.events.columns
        if self.keep_types and columns.type is None:
            raise ValueError(
                f"keep_types is {self.keep_types}, but events.columns.type names no column"
            )
        if self.min_weight is not None and columns.weight is None:
            raise ValueError(
                f"min_weight is {self.min_weight}, but events.columns.weight names no column"
            )
        sources: list[EventSource | ItemSource] = [
            self.events,
            *([self.items] if self.items else []),
        ]
        for source in sources:
            if source.delimiter is not None and source.format in ("parquet", "jsonl"):
                raise ValueError(f"delimiter is {source.delimiter!r}, but {source.format} has none")
        return self
