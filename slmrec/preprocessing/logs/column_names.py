"""Names of the columns of delimited text, and what is said of columns that are not there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventSource, ItemSource
from slmrec.preprocessing.logs.delimited import Delimited, split_line
from slmrec.preprocessing.logs.text_blocks import SHOWN_CHARACTERS, Block, undecoded_reason

LINES_COUNTED = 100  # whose fields say how many columns a file without a header line has
DELIMITERS = (",", ";", "\t", "|", "::", ":", " ")  # that a wrong one is told apart from
VALUE = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?|\d{1,4}[-/]\d{1,2}[-/]\d{1,4}.*")


def parse_header(header: Block, form: Delimited, path: Path) -> list[str]:
    """Column names of a header line. Raises DataError when it is no text."""
    try:
        line = header.data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise DataError(
            f"{path} has no readable header line ({undecoded_reason(header.encoding)}); "
            f"{encoding_advice(header.encoding)}"
        ) from None
    if "\0" in line:
        raise DataError(
            f"{path} has no readable header line (NUL bytes); "
            "set encoding: utf-16-le (or utf-16-be) in params.yaml if it is text"
        )
    names = split_line(line, form)
    if not names and line:
        raise DataError(
            f"{path} has no readable header line (quotes are open); "
            f"is it {form.separator!r}-separated text?"
        )
    return names


def encoding_advice(encoding: str) -> str:
    """What to do about text that is not of the encoding that it was taken for."""
    if encoding == "utf-8":
        return "set encoding: latin-1 in params.yaml, or cp1252 if it comes from Windows"
    return "set its encoding in params.yaml"


def names_without_header(
    block: Block, names: list[str] | None, form: Delimited, path: Path
) -> list[str]:
    """The listed names, or "1", "2", ... for as many fields as most of the first lines have.

    Raises DataError when no line has as many fields as there are names.
    """
    lines = block.data.split(b"\n", LINES_COUNTED)[:LINES_COUNTED]
    texts = [line.decode(errors="replace").rstrip("\r") for line in lines if line.strip()]
    counts = Counter(len(split_line(text, form)) for text in texts)
    if names is None:
        count = max(counts, key=lambda fields: (counts[fields], fields), default=0)
        return [str(number) for number in range(1, count + 1)]
    if counts and len(names) not in counts:
        count = counts.most_common(1)[0][0]
        raise DataError(
            f"{path} has {count} columns, but names lists {len(names)}; its first line is "
            f"{texts[0][:SHOWN_CHARACTERS]!r}; name all of its columns in params.yaml, or set "
            "its delimiter"
        )
    return names


def check_columns(path: Path, wanted: list[str], present: list[str]) -> None:
    """Raise DataError, saying which columns there are, if a wanted one is missing or doubled."""
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(present)}; "
            "name the columns in params.yaml"
        )
    doubled = [name for name in wanted if present.count(name) > 1]
    if doubled:
        raise DataError(
            f"{path} names a column twice: {doubled[0]}, which params.yaml wants; "
            "rename one of the two"
        )


def check_delimited(
    path: Path, source: EventSource | ItemSource, wanted: list[str], present: list[str]
) -> None:
    """As check_columns, with what the first line of delimited text tells of a wrong setting."""
    missing = ", ".join(name for name in wanted if name not in present)
    if missing and source.header == "none":
        called = "are called as names lists them" if source.names else 'are called "1", "2", ...'
        raise DataError(
            f"{path} has no column {missing}; with header: none its {len(present)} columns "
            f"{called}: {', '.join(present)}; name the columns in params.yaml"
        )
    if missing and (delimiter := _other_delimiter(present)):
        raise DataError(
            f"{path} has no column {missing}; its first line is one field, "
            f"{present[0][:SHOWN_CHARACTERS]!r}; is its delimiter {delimiter!r}? "
            "set delimiter in params.yaml"
        )
    if missing and looks_like_data(present):
        raise DataError(
            f"{path} has no column {missing}; its first line is "
            f"{', '.join(present)[:SHOWN_CHARACTERS]!r}, which looks like data; set header: none "
            'in params.yaml, with names, or with columns called "1", "2", ...'
        )
    check_columns(path, wanted, present)


def _other_delimiter(present: list[str]) -> str | None:
    """The delimiter that a first line of one field seems to have."""
    if len(present) != 1:
        return None
    counts = {mark: present[0].count(mark) for mark in DELIMITERS}
    most = max(counts, key=lambda mark: counts[mark] * len(mark))
    return most if counts[most] else None


def looks_like_data(names: list[str]) -> bool:
    """Whether a field of a first line is a number or a time, unless they count the columns."""
    numbers = [str(number) for number in range(len(names) + 1)]
    if names in (numbers[1:], numbers[:-1]):
        return False
    return any(VALUE.fullmatch(name.strip()) for name in names)


def unique_names(names: list[str]) -> list[str]:
    """The names, with those that come again made different: nobody asked for them."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        unique.append(f"{name}\0{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return unique
