"""How many rows a source of logs and each of its files lose, and whether that is too much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.advice import BadRows, advise, time_advice
from slmrec.preprocessing.events.faults import TIME_FAULTS

EVENTS, ITEMS = "events", "items"  # sources of logs: sections of prepare in params.yaml
REASONS_SHOWN = 3
EXAMPLES = 3  # of each reason in a message
VALUES_TRIED = 200  # of a reason, when advice is looked for
SHOWN_CHARACTERS = 60
OUT_OF_RANGE = TIME_FAULTS[1:]
# Bad rows that may be whatever share of all they are, unless the share is 0: of a source, and of
# one file of it.
SINGLE_ROW, FEW_ROWS = 1, 10


@dataclass(frozen=True)
class LostRows:
    """The bad rows of a source: file, and BAD_ROWS."""

    rows: pl.LazyFrame

    def of_file(self, file: str) -> LostRows:
        """Those of one file."""
        return LostRows(self.rows.filter(pl.col("file") == file))

    def values(self, reason: str) -> pl.Series:
        """What stood in the wrong field of the first rows with a reason."""
        rows = self.rows.filter(pl.col("reason") == reason).head(VALUES_TRIED)
        return rows.select("value").collect()["value"]

    def examples(self, reason: str) -> str:
        """Where the first rows with a reason stand, and the field that is wrong."""
        rows = self.rows.filter(pl.col("reason") == reason).head(EXAMPLES).collect()
        return ", ".join(
            f"{file} row {row}: {_excerpt(text, value)}"
            for file, row, text, value in rows.select("file", "row", "text", "value").iter_rows()
        )


def _excerpt(text: str | None, value: str | None) -> str:
    """The wrong field, or the beginning of the row where no field or a missing one is wrong."""
    shown = (text or "") if value is None or value == "null" else value
    return repr(shown[:SHOWN_CHARACTERS])


@dataclass
class SourceLoss:
    """Rows of a source, good and bad, by file."""

    source: str
    rows: Counter[str] = field(default_factory=Counter)  # by file
    bad: dict[str, Counter[str]] = field(default_factory=dict)  # by file, then by reason

    def add_rows(self, file: str, count: int) -> None:
        """Count rows of a file, good or bad."""
        self.rows[file] += count

    def add_bad(self, file: str, reason: str, count: int) -> None:
        """Count bad rows of a file."""
        self.bad.setdefault(file, Counter())[reason] += count

    @property
    def reasons(self) -> Counter[str]:
        """Bad rows of all files by reason."""
        return sum(self.bad.values(), Counter())

    def check(self, p: PrepareParams, lost: LostRows) -> None:
        """Raise DataError when a file gives no row, or it or the source loses too many."""
        for file, reasons in self.bad.items():
            if reasons.total() >= self.rows[file]:
                self._stop(f"rows of {file}", self.rows[file], reasons, p, lost.of_file(file))
        rows, reasons = self.rows.total(), self.reasons
        if reasons.total() > _allowed(rows, p, SINGLE_ROW):
            self._stop(f"rows of {self.source}", rows, reasons, p, lost)
        for file, reasons in self.bad.items():
            if reasons.total() > _allowed(self.rows[file], p, FEW_ROWS):
                self._stop(f"rows of {file}", self.rows[file], reasons, p, lost.of_file(file))

    def check_first_rows(self, file: str, most: float, p: PrepareParams, lost: LostRows) -> None:
        """Raise DataError when more than `most` of a file's first rows are bad.

        Unless they only lie outside of the times that params.yaml allows, and would in any format:
        later rows of a log in order of time may lie inside.
        """
        rows, reasons = self.rows[file], self.bad.get(file, Counter())
        if reasons.total() <= most * rows:
            return
        worst, _ = reasons.most_common(1)[0]
        if worst in OUT_OF_RANGE and not time_advice(lost.values(worst), p):
            return
        self._stop(f"first rows of {file}", rows, reasons, p, lost)

    def _stop(
        self, what: str, rows: int, reasons: Counter[str], p: PrepareParams, lost: LostRows
    ) -> None:
        bad = reasons.total()
        allowed = (
            f", allowed are {p.max_quarantine_share:.2%}" if bad < rows else ", so none is left"
        )
        share = self.reasons.total() / max(self.rows.total(), 1)
        advice = advise(BadRows(self.source, reasons, rows, share, lost.values), p)
        raise DataError(
            f"{bad} of {rows} {what} are bad, {bad / rows:.2%}{allowed}: "
            f"{_described(reasons, lost)}; {advice}"
        )

    def report(self, lost: LostRows) -> str:
        """One line about what was lost, "" where nothing was; files without a row are named."""
        reasons, parts = self.reasons, []
        if bad := reasons.total():
            rows = self.rows.total()
            parts.append(
                f"{bad} of {rows} rows of {self.source} are set aside, {bad / rows:.2%}: "
                f"{_described(reasons, lost)}; all of them are in quarantine.parquet"
            )
        if empty := [file for file, rows in self.rows.items() if rows == 0]:
            more = f" and {len(empty) - EXAMPLES} more" if len(empty) > EXAMPLES else ""
            parts.append(f"no row in {', '.join(empty[:EXAMPLES])}{more}")
        return "; ".join(parts)


def _allowed(rows: int, p: PrepareParams, few: int) -> float:
    """How many of `rows` may be bad."""
    return max(p.max_quarantine_share * rows, few) if p.max_quarantine_share > 0 else 0


def _described(reasons: Counter[str], lost: LostRows) -> str:
    """The worst reasons with their counts and examples."""
    worst = sorted(reasons, key=lambda reason: (-reasons[reason], reason))[:REASONS_SHOWN]
    return "; ".join(f"{reasons[reason]} {reason} ({lost.examples(reason)})" for reason in worst)
