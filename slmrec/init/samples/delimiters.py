"""What stands between the fields of a delimited text: one character or several."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

CANDIDATES = ("\t", "::", "|||", "||", "|", ";", ",", "\x01", "~", "^")
LAST_RESORT = " "  # dates and titles hold spaces, so only where nothing else separates
QUOTING_USUAL = (",", ";")  # a csv quotes; with other delimiters a quote is mostly a character
MIN_SHARE = 0.9  # of lines that must have the usual number of fields
SAME_SHARE = 0.02  # delimiters that fit as well but for so much are told apart by their fields
QUOTED_SHARE = 0.01  # of fields in double quotes, from which on they are taken for quoting
LINES_TRIED = 2000


@dataclass(frozen=True)
class Dialect:
    """How the fields of a text are told apart, and how many there are; `quoted` as RFC 4180."""

    delimiter: str
    quoted: bool
    fields: int


@dataclass(frozen=True)
class Fit:
    """A dialect and the share of records that have its number of fields."""

    dialect: Dialect
    share: float


def split_records(text: str, dialect: Dialect) -> list[list[str]]:
    """The fields of every record; a quoted field may hold line breaks."""
    if not dialect.quoted:
        return [line.split(dialect.delimiter) for line in lines_of(text) if line]
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
        return [row for row in rows if row]
    except csv.Error:
        return []


def lines_of(text: str) -> list[str]:
    """Lines that end with a line feed; other line separators of Unicode stay inside their line."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def find_dialect(text: str) -> Dialect | None:
    """The dialect in which most records have the same number of fields, at least two, or None."""
    lines = [line for line in lines_of(text)[:LINES_TRIED] if line]
    fits = [fit for delimiter in CANDIDATES if (fit := _fit(lines, delimiter))]
    if not fits:
        last = _fit(lines, LAST_RESORT)
        return last.dialect if last else None
    best_share = max(fit.share for fit in fits)
    close = [fit for fit in fits if fit.share >= best_share - SAME_SHARE]
    return max(close, key=lambda fit: fit.dialect.fields).dialect


def _fit(lines: list[str], delimiter: str) -> Fit | None:
    if not any(delimiter in line for line in lines) or _is_part_of_longer(lines, delimiter):
        return None
    plain = _count_fields(lines, Dialect(delimiter, False, 0))
    fit = plain
    if len(delimiter) == 1 and any('"' in line for line in lines):
        quoted = _count_fields(lines, Dialect(delimiter, True, 0))
        usual = delimiter in QUOTING_USUAL or _has_quoted_fields(lines, delimiter)
        fit = max(quoted, plain, key=lambda tried: (tried.share, tried.dialect.quoted == usual))
    return fit if fit.dialect.fields > 1 and fit.share >= MIN_SHARE else None


def _count_fields(lines: list[str], dialect: Dialect) -> Fit:
    records = split_records("\n".join(lines), dialect)
    if not records:
        return Fit(dialect, 0.0)
    fields, count = Counter(len(record) for record in records).most_common(1)[0]
    # Stray quotes swallow lines, so few records are left; breaks inside quotes swallow few lines.
    share = count / len(records) if len(records) >= 0.5 * len(lines) else 0.0
    quoted = dialect.quoted or (
        dialect.delimiter in QUOTING_USUAL and not any('"' in line for line in lines)
    )
    return Fit(Dialect(dialect.delimiter, quoted, fields), share)


def _is_part_of_longer(lines: list[str], delimiter: str) -> bool:
    """Whether "|" only ever occurs as "||", so that the longer one is the delimiter."""
    longer = [other for other in CANDIDATES if delimiter in other and other != delimiter]
    text = "\n".join(lines)
    return any(
        other in text and not re.sub(re.escape(other), "", text).count(delimiter)
        for other in longer
    )


def _has_quoted_fields(lines: list[str], delimiter: str) -> bool:
    """Whether fields stand in double quotes, rather than hold some."""
    fields = [field for line in lines for field in line.split(delimiter)]
    quoted = sum(len(field) > 1 and field[0] == field[-1] == '"' for field in fields)
    return quoted >= QUOTED_SHARE * len(fields)
