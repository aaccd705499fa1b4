"""Section `prepare`: which files, which columns, which rules."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slmrec.params.section import Count, Section, Seed, Share, TopSection


class EventColumns(Section):
    user: str
    item: str
    time: str | None  # None where there is no clock: sequence, or a list, alone orders events
    # Orders events of equal time, where the logs have it; of several columns the first one first.
    sequence: str | Annotated[list[str], Field(min_length=1, max_length=3)] | None
    weight: str | None
    type: str | None

    @property
    def sequences(self) -> list[str]:
        """The columns of the sequence, the first one before the others."""
        if isinstance(self.sequence, str):
            return [self.sequence]
        return self.sequence or []


Format = Literal["parquet", "csv", "tsv", "jsonl", "python_literal", "by_name"]
Delimiter = Annotated[str, Field(min_length=1)]
TIME_FORMATS = ("epoch_s", "epoch_ms", "epoch_us", "iso8601", "iso8601_utc", "date")


def _is_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(
            f"{name!r} is no text encoding; name one such as utf-8, latin-1, cp1252 or utf-16"
        ) from None
    return name


def _is_time_format(text: str) -> str:
    if text not in TIME_FORMATS and "%" not in text:
        raise ValueError(
            f"{text!r} is no time format; name one of {', '.join(TIME_FORMATS)}, "
            'or a pattern such as "%m/%d/%Y %H:%M"'
        )
    return text


class LogSource(Section):
    files: list[str] = Field(min_length=1)  # globs below data/; ** crosses folders
    format: Format
    delimiter: Delimiter | None  # of csv and tsv; None is a comma for csv, a tab for tsv
    header: Literal["first_line", "none"]  # of csv and tsv: what names the columns
    names: list[str] | None  # of the columns where there is no header line; None counts from "1"
    encoding: Annotated[str, AfterValidator(_is_encoding)]  # of text; a byte order mark wins

    @model_validator(mode="after")
    def _only_text_has_a_delimiter(self) -> Self:
        if self.delimiter is not None and self.format in ("parquet", "jsonl", "python_literal"):
            raise ValueError(f"delimiter is {self.delimiter!r}, but {self.format} has none")
        return self

    @model_validator(mode="after")
    def _names_stand_for_a_header(self) -> Self:
        if self.names is not None and self.header == "first_line":
            raise ValueError("names are given, but header is first_line; set header: none")
        if self.header == "none" and self.format in ("parquet", "jsonl", "python_literal"):
            raise ValueError(f"header is none, but {self.format} names its columns itself")
        return self


class EventSource(LogSource):
    columns: EventColumns
    time_format: Annotated[str, AfterValidator(_is_time_format)]  # TIME_FORMATS, or a % pattern
    lists: Literal["refuse", "explode"]  # of a row whose item is a list: one event an item
    list_separator: Annotated[str, Field(min_length=1)] | None  # of a text that holds a list

    @model_validator(mode="after")
    def _something_orders_events(self) -> Self:
        unordered = self.columns.time is None and self.columns.sequence is None
        if unordered and self.lists == "refuse":  # a list is in order by itself
            raise ValueError("columns.time is null, and so is columns.sequence; name one of them")
        if self.list_separator is not None and self.lists == "refuse":
            raise ValueError("list_separator is set, but lists is refuse; set lists: explode")
        return self


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
