"""The first rows of raw files are read as `prepare` reads them: what would fail fails at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.params.prepare import EventSource, ItemSource, PrepareParams
from slmrec.preprocessing.events.catalogue import divide_items
from slmrec.preprocessing.events.faults import BAD_ROWS, with_value
from slmrec.preprocessing.events.loss import EVENTS, ITEMS, LostRows, SourceLoss
from slmrec.preprocessing.events.parse import parse
from slmrec.preprocessing.events.quarantine import NO_FAULT
from slmrec.preprocessing.logs.log_files import (
    LogFile,
    event_columns,
    find_files,
    item_columns,
    read_batches,
)
from slmrec.preprocessing.logs.text_blocks import RowBatch

FIRST_ROWS = 5_000  # of each file
MOST_BAD = 0.5  # share of a file's first rows above which the rest will hardly be better
SERIES = r"^\S*[0-9]\S*( \S*[0-9]\S*){2,}$"  # three words or more, each with a digit
WRITTEN_LIST = r"^\s*\[.*\]\s*$"
MOST_TEXTS = 0.5  # share of a column's texts above which it is told


@dataclass(frozen=True)
class Preview:
    """What the first rows of a source's files are."""

    files: int
    rows: int  # read
    bad: int
    doubt: str  # what is odd, though it can be read; "" for nothing

    def line(self, source: str) -> str:
        """What to tell a person of the files of a source."""
        bad = f", {self.bad} of their first {self.rows} rows bad" if self.bad else ""
        return f"{self.files} of {source}{bad}{'; ' if self.doubt else ''}{self.doubt}"


def preview_events(data_dir: Path, p: PrepareParams) -> Preview:
    """The first rows of the event files. Raises DataError where prepare would stop."""
    files, doubts = find_files(data_dir, p.events), [""]
    source = _Reading(EVENTS, files, p)
    wanted = event_columns(p.events.columns)
    for name, batch, is_whole in _first_batches(files, p.events, wanted):
        number = pl.lit(0, pl.UInt16)  # parse wants the file of each row
        rows, lines = (frame.with_columns(file=number) for frame in (batch.rows, batch.bad))
        bad = parse(RowBatch(rows, lines), p).bad.drop("file")
        source.add(name, batch, bad, is_whole)
        if p.events.lists == "refuse":
            doubts.append(_doubt(batch.rows[p.events.columns.item]))
    return source.preview(next(filter(None, doubts), ""))


def preview_items(data_dir: Path, p: PrepareParams) -> Preview | None:
    """The first rows of the item files, None where there are none. Raises DataError likewise."""
    if p.items is None:
        return None
    files = find_files(data_dir, p.items)
    source = _Reading(ITEMS, files, p)
    wanted = item_columns(p.items.columns)
    for name, batch, is_whole in _first_batches(files, p.items, wanted):
        _, nameless = divide_items(batch.rows, p.items)
        source.add(name, batch, pl.concat([with_value(batch.bad), nameless]), is_whole)
    return source.preview("")


def _first_batches(
    files: list[LogFile], source: EventSource | ItemSource, wanted: list[str]
) -> Iterator[tuple[str, RowBatch, bool]]:
    """The name of each file that has rows, the first ones, and whether they are all it has."""
    for file in files:
        batches = read_batches(file, source, wanted)
        batch = next(batches, None)  # the header is checked with the first rows
        if batch is None:
            continue
        lines = pl.concat([batch.rows["row"], batch.bad["row"]]).sort()
        is_whole = len(lines) <= FIRST_ROWS and next(batches, None) is None
        if len(lines) > FIRST_ROWS:
            is_first = pl.col("row") <= lines[FIRST_ROWS - 1]
            batch = RowBatch(batch.rows.filter(is_first), batch.bad.filter(is_first))
        yield file.name, batch, is_whole


class _Reading:
    """Counts the first rows of a source's files."""

    def __init__(self, source: str, files: list[LogFile], p: PrepareParams) -> None:
        self._p = p
        self._loss = SourceLoss(source)
        self._bad = [pl.DataFrame(schema={"file": pl.String, **BAD_ROWS})]
        self._all_whole = True
        for file in files:
            self._loss.add_rows(file.name, 0)

    def add(self, name: str, batch: RowBatch, bad: pl.DataFrame, is_whole: bool) -> None:
        """Count a file's first rows; raises DataError where most of them are bad."""
        faulty = bad.filter(~pl.col("reason").is_in(NO_FAULT))
        self._loss.add_rows(name, len(batch.rows) + len(batch.bad))
        for reason, count in faulty["reason"].value_counts().iter_rows():
            self._loss.add_bad(name, reason, count)
        self._bad.append(faulty.select(pl.lit(name).alias("file"), *BAD_ROWS.names()))
        self._all_whole &= is_whole
        if not is_whole:
            lost = LostRows(self._bad[-1].lazy())
            self._loss.check_first_rows(name, MOST_BAD, self._p, lost)

    def preview(self, doubt: str) -> Preview:
        """The counts; raises DataError where prepare would, if every file was read as a whole."""
        if self._all_whole:
            self._loss.check(self._p, LostRows(pl.concat(self._bad).lazy()))
        rows = self._loss.rows
        return Preview(len(rows), rows.total(), self._loss.reasons.total(), doubt)


def _doubt(items: pl.Series) -> str:
    """What is odd about a column of items: most of its texts look like several ids."""
    texts = items.drop_nulls() if items.dtype == pl.String else pl.Series([], dtype=pl.String)
    if texts.str.contains(SERIES).sum() > MOST_TEXTS * len(texts):
        return (
            f"column {items.name} looks like several ids with spaces between; if they are, set "
            'prepare.events.lists: explode and list_separator: " "'
        )
    if texts.str.contains(WRITTEN_LIST).sum() > MOST_TEXTS * len(texts):
        return (
            f"column {items.name} looks like lists written as text, each of which is read as one "
            "id; write them as JSON lines or with a separator alone, and set "
            "prepare.events.lists: explode"
        )
    return ""
