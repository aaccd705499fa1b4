"""Records whose quoted fields hold line breaks (RFC 4180), joined of the lines that they span.

A quote that is never closed would swallow the rest of a file. So a line that is no record by itself
is joined with the next ones only where this gives a record of bounded length; otherwise it alone is
spoiled, and the lines after it are read by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from slmrec.preprocessing.logs.text_blocks import MAX_LINE_BYTES


@dataclass(frozen=True)
class JoinedLines:
    """Lines (row, line), one a record; `open_row` is where one may go on in the next block."""

    lines: pl.DataFrame
    open_row: int | None


def join_quoted_lines(
    lines: pl.DataFrame, unreadable: pl.Series, quote: str, is_record: Callable[[str], bool]
) -> JoinedLines:
    """Join the lines of each record under the number of its first one.

    `unreadable` are rows that no record may span; rows that are neither there nor in `lines` are
    blank.
    """
    quotes = lines["line"].str.count_matches(quote, literal=True)
    odd_lines = (quotes % 2 == 1).arg_true()  # only these can open a quote, or close it
    is_open = [not is_record(line) for line in lines["line"].gather(odd_lines)]
    if not any(is_open):
        return JoinedLines(lines, None)
    joiner = _Joiner(lines["row"].to_list(), lines["line"].to_list(), set(unreadable))
    places = odd_lines.to_list()
    position = 0
    open_row = None
    while position < len(places):
        first, last = places[position], places[position + 1 : position + 2]
        joined = bool(last) and is_open[position] and joiner.join(first, last[0], is_record)
        if is_open[position] and not last and joiner.text(first, None) is not None:
            open_row = joiner.rows[first]
        position += 2 if joined else 1
    return JoinedLines(joiner.table(), open_row)


class _Joiner:
    def __init__(self, rows: list[int], texts: list[str], unreadable: set[int]) -> None:
        self.rows, self._texts, self._unreadable = rows, texts, unreadable
        self._is_first = [True] * len(rows)

    def join(self, first: int, last: int, is_record: Callable[[str], bool]) -> bool:
        """Join these lines if that gives a record."""
        text = self.text(first, last)
        if text is None or not is_record(text):
            return False
        self._texts[first] = text
        self._is_first[first + 1 : last + 1] = [False] * (last - first)
        return True

    def text(self, first: int, last: int | None) -> str | None:
        """Lines up to `last`, or to the end; None where they are too long or unreadable."""
        parts: list[str] = []
        size = 0
        row = self.rows[first]
        for place in range(first, len(self.rows) if last is None else last + 1):
            blank = range(row, self.rows[place])
            if size + len(blank) > MAX_LINE_BYTES or not self._unreadable.isdisjoint(blank):
                return None
            parts += [""] * len(blank) + [self._texts[place]]
            size += len(blank) + len(self._texts[place].encode()) + 1
            row = self.rows[place] + 1
        return "\n".join(parts) if size <= MAX_LINE_BYTES else None

    def table(self) -> pl.DataFrame:
        """The first line of each record, as the whole record."""
        columns = {"row": pl.UInt32, "line": pl.String}
        table = pl.DataFrame([self.rows, self._texts], schema=columns)
        return table.filter(pl.Series(self._is_first, dtype=pl.Boolean))
