"""Section `prepare`: which files, which columns, which rules."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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


class LogSource(Section):
    files: list[str] = Field(min_length=1)  # globs below data/; ** crosses folders
    format: Format
    delimiter: Delimiter | None  # of csv and tsv; None is a comma for csv, a tab for tsv

    @model_validator(mode="after")
    def _only_text_has_a_delimiter(self) -> Self:
        if self.delimiter is not None and self.format in ("parquet", "jsonl"):
            raise ValueError(f"delimiter is {self.delimiter!r}, but {self.format} has none")
        return self


class EventSource(LogSource):
    columns: EventColumns
    time_format: Literal["epoch_s", "epoch_ms", "epoch_us", "iso8601", "iso8601_utc"]


class ItemColumns(Section):
    item: str
    title: str | None
    others: list[str]  # kept as text in item_attributes.parquet


class ItemSource(LogSource):
    columns: ItemColumns


class PrepareParams(TopSection):
    KEY = "prepare"

    seed: Seed  # of the hash that orders events no clock can order
    events: EventSource
    items: ItemSource | None
    keep_types: list[str]  # of the type column; empty keeps all
    min_weight: float | None  # events below it are set aside
    repeats: Literal["keep", "collapse", "first"]  # collapse: consecutive ones become one
    min_user_events: Count  # of an iterated k-core, as min_item_events
    min_item_events: Count
    max_history: Count | None  # newest events kept of a user
    max_events_per_day: Count | None  # users above it are set aside as bots
    earliest: str  # ISO 8601 with zone; events before it are quarantined
    latest: str
    max_quarantine_share: Share  # of the rows; above it the stage stops

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
        return self
