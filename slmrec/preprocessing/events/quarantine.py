"""Rows that were set aside: where each stood, why, and whether there are too many bad ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.preprocessing.events.chunk_store import Chunk
from slmrec.preprocessing.events.filters import RULES
from slmrec.preprocessing.events.parse import TYPE_NOT_KEPT, WEIGHT_BELOW_MINIMUM

DUPLICATE = "duplicate"
BY_RULE = (
    TYPE_NOT_KEPT,
    WEIGHT_BELOW_MINIMUM,
    DUPLICATE,
    *RULES[1:],
)  # asked for, so no fault of the logs
EXAMPLES = 3


class Quarantine:
    """Collects rows on disk in `folder`, counting them by reason."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.counts: dict[str, int] = {}
        self.rows = 0
        self._files: dict[str, tuple[str, ...]] = {}
        self._parts = 0

    def add_chunk(self, chunk: Chunk) -> None:
        """Count a chunk's rows, set its bad ones aside and remember its files."""
        self._files[chunk.name] = chunk.files
        self.rows += chunk.rows
        for (file,), rows in chunk.bad().group_by("file", maintain_order=True):
            self.add(rows, chunk.files[file])

    def add_copy(self, chunk: Chunk, number: int, copy: str) -> None:
        """Set aside a file that holds the same bytes as file `number` of a chunk."""
        rows, bad = (
            table.filter(pl.col("file") == number) for table in (chunk.origins(), chunk.bad())
        )
        self.rows += len(rows) + len(bad)
        self.add(bad, copy)
        self.add_rows(rows["row"], DUPLICATE, copy)

    def file_of(self, chunk: str, number: int) -> str:
        """The name of a chunk's file."""
        return self._files[chunk][number]

    def add_rows(self, rows: pl.Series, reason: str, file: str) -> None:
        """Set good rows of one file aside for a reason that needs no example."""
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
        self._folder.mkdir(parents=True, exist_ok=True)
        table.write_parquet(self._folder / f"{self._parts:06d}.parquet")
        self._parts += 1

    def bad(self) -> dict[str, int]:
        """Counts of the reasons that are faults of the logs, in order of name."""
        return {
            reason: count for reason, count in sorted(self.counts.items()) if reason not in BY_RULE
        }

    def left_out(self) -> dict[str, int]:
        """Counts of what duplicates and rules left out, in order of name."""
        return {reason: count for reason, count in sorted(self.counts.items()) if reason in BY_RULE}

    def write(self, path: Path) -> None:
        """Write everything as tables.QUARANTINE, streaming."""
        if not self._parts:
            pl.DataFrame(schema=tables.QUARANTINE).write_parquet(path)
            return
        pl.scan_parquet(sorted(self._folder.glob("*.parquet"))).sink_parquet(path)
        shutil.rmtree(self._folder)

    def check(self, max_share: float, rows: int) -> None:
        """Raise DataError with the three worst reasons and examples when bad rows are more than the share of `rows` allowed."""
        bad = self.bad()
        count = sum(bad.values())
        if count <= max_share * rows:
            return
        worst = sorted(bad, key=lambda reason: (-bad[reason], reason))[:3]
        said = "; ".join(
            f"{bad[reason]} {reason} ({', '.join(self._examples(reason))})" for reason in worst
        )
        raise DataError(
            f"{count} of {rows} rows are bad, {count / rows:.2%}, allowed are {max_share:.2%}: {said}; "
            "mend the logs, or raise prepare.max_quarantine_share in params.yaml"
        )

    def _examples(self, reason: str) -> list[str]:
        rows = (
            pl.scan_parquet(sorted(self._folder.glob("*.parquet")))
            .filter(pl.col("reason") == reason)
            .head(EXAMPLES)
            .collect()
        )
        return [
            f"{file} row {row}: {_short(text)}"
            for file, row, text in rows.select("file", "row", "text").iter_rows()
        ]


def _short(text: str | None) -> str:
    return repr((text or "")[:60])
