"""Text files as sampled tables: JSON lines, Python literals, or delimited text."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from slmrec.init.samples.delimiters import Dialect, find_dialect, lines_of, split_records
from slmrec.init.samples.encodings import find_encoding
from slmrec.init.samples.headers import header_evidence
from slmrec.init.samples.nested_records import flat_records
from slmrec.init.samples.raw_files import ByteSample, UnreadableFileError
from slmrec.init.samples.sampled_table import (
    HEAD_ROWS,
    PART_ROWS,
    Layout,
    SampledTable,
    object_column,
    text_column,
)

Row = TypeVar("Row")
RECORDS_TRIED = 200  # lines on which a format is tried
MIN_RECORDS = 0.9  # share of them that must be records of the format
HEADER_UNDECIDED = 0.1  # evidence closer to 0 than this leaves it open


@dataclass(frozen=True)
class TextChoices:
    """What a person said of a text file, None where it is to be found out."""

    encoding: str | None
    header: str | None  # first_line or none


AS_FOUND = TextChoices(None, None)


@dataclass(frozen=True)
class DecodedSample:
    """A file's sample as texts, and what was decided or left open on the way."""

    texts: list[str]  # the start, then later parts, whole lines each
    encoding: str
    sample: ByteSample
    forced: TextChoices
    unclear: tuple[str, ...]


def sample_text(sample: ByteSample, forced: TextChoices) -> SampledTable:
    """The rows of a text file's sample. Raises UnreadableFileError where no format fits."""
    decoded = _decoded(sample, forced)
    lines = [line for line in lines_of(decoded.texts[0])[:RECORDS_TRIED] if line.strip()]
    if not lines:
        raise UnreadableFileError("it holds no line of text")
    for name, parse in (("jsonl", _json_record), ("python_literal", _literal_record)):
        if _share(lines, parse) >= MIN_RECORDS:
            return _record_table(name, parse, decoded)
    if lines[0].lstrip().startswith(("[", "{")):
        raise UnreadableFileError(
            "it is one JSON value, not one a line; write lines: jq -c '.[]' old > new.jsonl"
        )
    return _delimited_table(decoded)


def _decoded(sample: ByteSample, forced: TextChoices) -> DecodedSample:
    """The sample in the encoding that a person said, or else in the likeliest."""
    detected = find_encoding(sample.head, sample.parts)
    encoding = forced.encoding or detected.name
    unclear = () if detected.certain or forced.encoding else ("encoding",)
    return DecodedSample(_decode(sample, encoding), encoding, sample, forced, unclear)


def _decode(sample: ByteSample, encoding: str) -> list[str]:
    """The start, and later parts without the lines that they cut, as texts."""
    head = sample.head.decode(encoding, errors="replace").removeprefix("\ufeff")
    if not sample.complete:
        head = head[: head.rfind("\n") + 1] or head
    # A part of a marked UTF-16 text has no mark of its own.
    inner = "utf-16-be" if sample.head.startswith(b"\xfe\xff") else encoding
    inner = "utf-16-le" if inner == "utf-16" else inner
    parts = [part.decode(inner, errors="replace") for part in sample.parts]
    return [head, *(part[part.find("\n") + 1 : part.rfind("\n") + 1] for part in parts)]


def _json_record(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _literal_record(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _share(lines: list[str], parse: Callable[[str], dict[str, Any] | None]) -> float:
    return sum(parse(line) is not None for line in lines) / len(lines)


def _record_table(
    name: str, parse: Callable[[str], dict[str, Any] | None], decoded: DecodedSample
) -> SampledTable:
    by_text = [[line for line in lines_of(text) if line.strip()] for text in decoded.texts]
    lines = _sampled_rows(by_text)
    parsed = [record for line in lines if (record := parse(line)) is not None]
    records, exploded = flat_records(parsed)
    keys = dict.fromkeys(key for record in records for key in record)
    columns = [object_column(str(key), [record.get(key) for record in records]) for key in keys]
    rows = _estimated_rows(decoded.sample, len(by_text[0])) * len(records) // max(len(parsed), 1)
    layout = Layout(name, None, "first_line", decoded.encoding, rows)
    return SampledTable(
        layout,
        columns,
        len(lines) - len(parsed),
        decoded.sample.complete,
        decoded.unclear,
        exploded=exploded,
    )


def _sampled_rows(by_text: list[list[Row]]) -> list[Row]:
    """Rows of the start, and fewer of each later part."""
    head, *later = by_text
    return [*head[:HEAD_ROWS], *(row for part in later for row in part[:PART_ROWS])]


def _estimated_rows(sample: ByteSample, records: int) -> int:
    """About how many records the file has, from its size and those of the start."""
    if sample.complete:
        return records
    return round(records * sample.content_bytes / max(len(sample.head), 1))


def _delimited_table(decoded: DecodedSample) -> SampledTable:
    dialect = find_dialect(decoded.texts[0])
    if dialect is None:
        raise UnreadableFileError(_why_no_table(decoded.texts[0]))
    head, *later = [split_records(text, dialect) for text in decoded.texts]
    header, unclear = _header(head, dialect, decoded)
    named = header == "first_line"
    names = head[0] if named else [str(number + 1) for number in range(dialect.fields)]
    rows = _sampled_rows(
        [[row for row in part if len(row) == len(names)] for part in (head[named:], *later)]
    )
    if not rows:
        raise UnreadableFileError("its header has another number of fields than its lines")
    columns = [
        text_column(name, list(fields))
        for name, fields in zip(names, zip(*rows, strict=True), strict=True)
    ]
    count = _estimated_rows(decoded.sample, len(head) - named)
    layout = Layout(*_format_of(dialect), header, decoded.encoding, count)
    bad_rows = sum(len(row) != len(names) for row in head[named:])
    return SampledTable(layout, columns, bad_rows, decoded.sample.complete, unclear)


def _header(
    head: list[list[str]], dialect: Dialect, decoded: DecodedSample
) -> tuple[str, tuple[str, ...]]:
    """first_line or none, and what is unclear with that."""
    if decoded.forced.header is not None:
        return decoded.forced.header, decoded.unclear
    evidence = header_evidence([row for row in head if len(row) == dialect.fields] or head)
    unclear = ("header",) if abs(evidence) < HEADER_UNDECIDED else ()
    return "first_line" if evidence > 0 else "none", (*decoded.unclear, *unclear)


def _format_of(dialect: Dialect) -> tuple[str, str | None]:
    """csv where fields are quoted, tsv where a quote is a character; usual delimiters as null."""
    name, usual = ("csv", ",") if dialect.quoted else ("tsv", "\t")
    return name, None if dialect.delimiter == usual else dialect.delimiter


def _why_no_table(text: str) -> str:
    lines = [line.split() for line in lines_of(text)[:RECORDS_TRIED] if line.strip()]
    tokens = Counter(token for line in lines for token in line)
    repeated = sum(count > 1 for count in tokens.values()) / max(len(tokens), 1)
    ragged = len({len(line) for line in lines}) > 2 and repeated > 0.05
    if ragged and all(len(token) < 40 for line in lines for token in line):
        return (
            "a line holds a user and then items, as many as there are; write one event a line: "
            'awk \'{for (i = 2; i <= NF; i++) print $1 "," $i "," i}\' old > events.csv'
        )
    return "its lines have no common number of fields"
