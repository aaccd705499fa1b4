"""Rows that were set aside: where each stood and why, and whether there are too many bad ones."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.faults import (
    BAD_ROWS,
    EMPTY_LIST,
    TYPE_NOT_KEPT,
    WEIGHT_BELOW_MINIMUM,
)
from slmrec.preprocessing.events.filters import RULES
from slmrec.preprocessing.events.loss import EVENTS, LostRows, SourceLoss

DUPLICATE = "duplicate"
# Reasons that params.yaml asks for, or that do no harm: no fault of the logs.
NO_FAULT = (EMPTY_LIST, TYPE_NOT_KEPT, WEIGHT_BELOW_MINIMUM, DUPLICATE, *RULES[1:])


class Quarantine:
    """Collects rows on disk in a scratch folder, counting them by reason, source and file."""

    def __init__(self, scratch_dir: Path) -> None:
        self._scratch_dir = scratch_dir
        self.counts: Counter[str] = Counter()
        self.rows = 0  # of the event files, good or bad
        self._losses: dict[str, SourceLoss] = {}
        self._files: dict[str, tuple[str, ...]] = {}
        self._tables = 0

    def add_chunk(self, chunk: Chunk) -> None:
        """Count a chunk's rows, set its bad ones aside and remember its files."""
        self._files[chunk.name] = chunk.files
        for number, rows in chunk.rows_of_files.items():
            self.count_rows(EVENTS, chunk.files[number], rows)
        for (file,), bad in chunk.bad().group_by("file", maintain_order=True):
            self.add(bad, chunk.files[file])

    def add_copy(self, chunk: Chunk, number: int, copy: str) -> None:
        """Set aside the rows of a file with the same bytes as file `number` of a chunk."""
        is_copied = pl.col("file") == number
        rows, bad = chunk.origins().filter(is_copied), chunk.bad().filter(is_copied)
        self.count_rows(EVENTS, copy, chunk.rows_of_files.get(number, 0))
        self.add(bad, copy)
        self.add_rows(rows["row"], DUPLICATE, copy)

    def count_rows(self, source: str, file: str, rows: int) -> None:
        """Count rows that were read from a file of a source, good or bad."""
        self.rows += rows if source == EVENTS else 0
        self._loss(source).add_rows(file, rows)

    def _loss(self, source: str) -> SourceLoss:
        return self._losses.setdefault(source, SourceLoss(source))

    def file_of(self, chunk: str, number: int) -> str:
        """The name of a chunk's file."""
        return self._files[chunk][number]

    def add_rows(self, rows: pl.Series, reason: str, file: str) -> None:
        """Set good rows of one file of events aside, without their text."""
        nothing = pl.lit(None, pl.String)
        table = pl.DataFrame({"row": rows})
        self.add(table.with_columns(reason=pl.lit(reason), text=nothing, value=nothing), file)

    def add(self, rows: pl.DataFrame, file: str, source: str = EVENTS) -> None:
        """Set rows (BAD_ROWS) of one file aside."""
        if not len(rows):
            return
        for reason, count in rows["reason"].value_counts().iter_rows():
            self.counts[reason] += count
            if reason not in NO_FAULT:
                self._loss(source).add_bad(file, reason, count)
        table = rows.select(
            pl.lit(source).alias("source"), pl.lit(file).alias("file"), *BAD_ROWS.names()
        )
        self._scratch_dir.mkdir(parents=True, exist_ok=True)
        path = self._scratch_dir / f"{self._tables:06d}.parquet"
        table.cast({"row": pl.UInt64}).write_parquet(path)
        self._tables += 1

    def bad(self) -> dict[str, int]:
        """Counts of the reasons that are faults of the logs, in order of name."""
        counts = sorted(self.counts.items())
        return {reason: count for reason, count in counts if reason not in NO_FAULT}

    def left_out(self) -> dict[str, int]:
        """Counts of what duplicates and rules left out, in order of name."""
        counts = sorted(self.counts.items())
        return {reason: count for reason, count in counts if reason in NO_FAULT}

    def write(self, path: Path) -> None:
        """Write all rows as tables.QUARANTINE, streaming, and remove the scratch folder."""
        if not self._tables:
            pl.DataFrame(schema=tables.QUARANTINE).write_parquet(path)
            return
        self._scan().select(tables.QUARANTINE.names()).sink_parquet(path)
        shutil.rmtree(self._scratch_dir)

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(sorted(self._scratch_dir.glob("*.parquet")))

    def check(self, source: str, p: PrepareParams) -> None:
        """Raise DataError when a source loses too many rows, or a file of it does."""
        self._loss(source).check(p, self._bad_of(source))

    def report(self, source: str) -> str:
        """One line about the bad rows of a source, "" where there is none."""
        return self._loss(source).report(self._bad_of(source))

    def _bad_of(self, source: str) -> LostRows:
        if not self._tables:
            return LostRows(pl.LazyFrame(schema={"file": pl.String, **BAD_ROWS}))
        return LostRows(self._scan().filter(pl.col("source") == source))
