"""Rows that were set aside: where each stood and why, and whether there are too many bad ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.filters import RULES
from slmrec.preprocessing.events.parse import TYPE_NOT_KEPT, WEIGHT_BELOW_MINIMUM

DUPLICATE = "duplicate"
# Reasons that params.yaml asks for, or that do no harm: no fault of the logs.
NO_FAULT = (TYPE_NOT_KEPT, WEIGHT_BELOW_MINIMUM, DUPLICATE, *RULES[1:])
REASONS_SHOWN = 3
EXAMPLES = 3  # of each reason in an error
EXAMPLE_CHARACTERS = 60


class Quarantine:
    """Collects rows on disk in a scratch folder, counting them by reason."""

    def __init__(self, scratch_dir: Path) -> None:
        self._scratch_dir = scratch_dir
        self.counts: dict[str, int] = {}
        self.rows = 0
        self._files: dict[str, tuple[str, ...]] = {}
        self._tables = 0

    def add_chunk(self, chunk: Chunk) -> None:
        """Count a chunk's rows, set its bad ones aside and remember its files."""
        self._files[chunk.name] = chunk.files
        self.rows += chunk.rows
        for (file,), rows in chunk.bad().group_by("file", maintain_order=True):
            self.add(rows, chunk.files[file])

    def add_copy(self, chunk: Chunk, number: int, copy: str) -> None:
        """Set aside the rows of a file with the same bytes as file `number` of a chunk."""
        is_copied = pl.col("file") == number
        rows, bad = chunk.origins().filter(is_copied), chunk.bad().filter(is_copied)
        self.rows += len(rows) + len(bad)
        self.add(bad, copy)
        self.add_rows(rows["row"], DUPLICATE, copy)

    def file_of(self, chunk: str, number: int) -> str:
        """The name of a chunk's file."""
        return self._files[chunk][number]

    def add_rows(self, rows: pl.Series, reason: str, file: str) -> None:
        """Set good rows of one file aside, without their text."""
        table = pl.DataFrame({"row": rows})
        self.add(table.with_columns(reason=pl.lit(reason), text=pl.lit(None, pl.String)), file)

    def add(self, rows: pl.DataFrame, file: str) -> None:
        """Set rows (row, reason, text) of one file aside."""
        if not len(rows):
            return
        for reason, count in rows["reason"].value_counts().iter_rows():
            self.counts[reason] = self.counts.get(reason, 0) + count
        table = rows.select(
            file=pl.lit(file), row=pl.col("row").cast(pl.UInt64), reason="reason", text="text"
        )
        self._scratch_dir.mkdir(parents=True, exist_ok=True)
        table.write_parquet(self._scratch_dir / f"{self._tables:06d}.parquet")
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
        self._scan().sink_parquet(path)
        shutil.rmtree(self._scratch_dir)

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(sorted(self._scratch_dir.glob("*.parquet")))

    def check(self, max_share: float, rows: int) -> None:
        """Raise DataError when more than `max_share` of `rows` are bad, with the worst reasons."""
        bad = self.bad()
        count = sum(bad.values())
        if count <= max_share * rows:
            return
        worst = sorted(bad, key=lambda reason: (-bad[reason], reason))[:REASONS_SHOWN]
        reasons = "; ".join(
            f"{bad[reason]} {reason} ({self._examples(reason)})" for reason in worst
        )
        raise DataError(
            f"{count} of {rows} rows are bad, {count / rows:.2%}, allowed are {max_share:.2%}: "
            f"{reasons}; mend the logs, or raise prepare.max_quarantine_share in params.yaml"
        )

    def _examples(self, reason: str) -> str:
        rows = self._scan().filter(pl.col("reason") == reason).head(EXAMPLES).collect()
        return ", ".join(
            f"{file} row {row}: {(text or '')[:EXAMPLE_CHARACTERS]!r}"
            for file, row, text in rows.select("file", "row", "text").iter_rows()
        )
