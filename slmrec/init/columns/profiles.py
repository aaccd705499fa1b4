"""What the values of one column say: how many, how distinct, numbers, times, texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from slmrec.init.columns.time_formats import TimeFormat, find_time_format
from slmrec.init.samples.headers import shape_of
from slmrec.init.samples.sampled_table import (
    LIST,
    NUMBER,
    SCALARS,
    TEXT,
    TIME,
    SampledColumn,
    is_number,
)

ID_TOKEN = re.compile(r"[\w.:-]{1,64}")
LONGEST_TITLE = 200  # characters on average; longer texts describe
SEPARATORS = (" ", ",", "|", ";")


@dataclass(frozen=True)
class Profile:
    """A sampled column with what is counted about its values, each count made when asked for."""

    column: SampledColumn

    @property
    def name(self) -> str:
        return self.column.name

    @cached_property
    def present(self) -> list[str]:
        """The values without the missing ones."""
        return [value for value in self.column.values if value is not None]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value occurs."""
        return Counter(self.present)

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @property
    def missing(self) -> float:
        """Share of rows without a value."""
        if self.column.kind == LIST:
            return sum(not row for row in self.column.items) / max(len(self.column.items), 1)
        return 1 - len(self.present) / max(len(self.column.values), 1)

    @cached_property
    def number_rows(self) -> list[float | None]:
        """The value of each row as a number, None where it is none; empty for texts."""
        if self.column.kind != NUMBER:
            return []
        known = {value: float(value) for value in self.counts if is_number(value)}
        return [None if value is None else known.get(value) for value in self.column.values]

    @cached_property
    def numbers(self) -> list[float]:
        """The values that are numbers; empty for texts."""
        return [number for number in self.number_rows if number is not None]

    @cached_property
    def has_fractions(self) -> bool:
        """Whether any number is no whole one: coordinates and prices are no ids."""
        return any(not number.is_integer() for number in self.numbers)

    @cached_property
    def time_format(self) -> TimeFormat | None:
        """In which format it holds times, if any; a typed time says so itself."""
        if self.column.kind == TIME:
            return _typed_format(self.present)
        return find_time_format(self.present) if self.column.kind in SCALARS else None

    @cached_property
    def words(self) -> float:
        """Words a value on average."""
        return sum(len(value.split()) for value in self.counts) / max(self.distinct, 1)

    @cached_property
    def length(self) -> float:
        """Characters a value on average."""
        return sum(map(len, self.counts)) / max(self.distinct, 1)

    @cached_property
    def shapes(self) -> Counter[str]:
        """How often each shape ("a9" for B07) occurs among the distinct values."""
        return Counter(shape_of(value) for value in list(self.counts)[:2000])

    @property
    def looks_like_titles(self) -> bool:
        """Texts for people, mostly different, neither links nor lists nor long descriptions."""
        special = sum(
            value.lstrip()[:4].lower() in ("http", "www.") or value[:1] in "[{"
            for value in self.counts
            if value
        )
        return (
            self.column.kind == TEXT
            and self.distinct > 0
            and 2 <= self.length <= LONGEST_TITLE
            and special < 0.1 * self.distinct
        )

    @cached_property
    def list_separator(self) -> str | None:
        """What separates several ids in one text, where values are lists of ids; else None."""
        return _list_separator(self) if self.column.kind == TEXT else None

    @cached_property
    def ids(self) -> set[str]:
        """The distinct ids as prepare spells them, those inside lists too."""
        if self.column.kind == LIST:
            return {id_text(element) for row in self.column.items for element in row}
        if separator := self.list_separator:
            return {token for value in self.counts for token in value.split(separator) if token}
        return set(map(id_text, self.counts))

    @cached_property
    def is_id(self) -> bool:
        """Whether the values could be ids: scalars without fractions, and no long texts."""
        return (
            self.column.kind in (TEXT, NUMBER)
            and self.distinct > 1
            and not self.has_fractions
            and self.missing < 0.5
            and self.words < 8
            and self.length < 100
        )


def _typed_format(values: list[str]) -> TimeFormat:
    """The name that a typed column's times would have as text; prepare goes by the type."""
    first = values[0] if values else ""
    zoned = first.endswith(("+00:00", "Z"))
    return TimeFormat("date" if len(first) == 10 else "iso8601" if zoned else "iso8601_utc", 1.0)


def _list_separator(profile: Profile) -> str | None:
    values = list(profile.counts)[:500]
    for separator in SEPARATORS:
        rows = [value.strip(separator).split(separator) for value in values]
        tokens = [token for row in rows for token in row]
        several = sum(len(row) > 1 for row in rows)
        repeated = len(tokens) / max(len(set(tokens)), 1)
        ids = sum(_is_id_token(token) for token in tokens)
        if several > 0.5 * len(rows) and ids > 0.95 * len(tokens) and repeated > 1.2:
            return separator
    return None


def _is_id_token(token: str) -> bool:
    return ID_TOKEN.fullmatch(token) is not None and any(map(str.isdigit, token))


def id_text(value: str) -> str:
    """An id as prepare spells it: whole numbers written as floats lose their ".0"."""
    return value[:-2] if value.endswith(".0") and value[:-2].lstrip("-").isdigit() else value
