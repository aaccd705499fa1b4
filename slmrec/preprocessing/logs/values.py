"""Values of JSON lines and Python literals as text, the same whichever parser read them.

A number is decimal text without an exponent and without ".0", as the fast parser gives it. A value
that is no text, number or null bears a mark in columns where it cannot be taken for one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from slmrec.preprocessing.events.id_text import NO_ID
from slmrec.preprocessing.logs.text_blocks import Block, RowBatch, malformed, readable_lines

MAX_RECORD_BYTES = 1 << 20  # a record may hold the whole list of what somebody had
PATH_MARK = "."  # between the keys of a path
Record = dict[str, Any]
# A half of a surrogate pair without its other half, found quickly; nearly always rightly.
ESCAPED_HALF = re.compile(
    rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F](?<!\\u[dD][89abAB]..\\u[dD].))", re.DOTALL
)
ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


class Number(str):
    """The text of a number."""

    __slots__ = ()


@dataclass(frozen=True)
class WantedValues:
    """Which keys are wanted, and in which of them a value must not be taken for text.

    `no_lists`: a list or an object is marked there; `no_booleans`: true and false are, too.
    `exploded` is a key whose lists of objects give a row for each of their objects.
    """

    names: list[str]
    no_lists: frozenset[str] = field(default_factory=frozenset)
    no_booleans: frozenset[str] = field(default_factory=frozenset)
    exploded: str | None = None


def parse_by_line(
    block: Block, parse_record: Callable[[str], Record | None], wanted: WantedValues
) -> RowBatch:
    """Rows of a block, line by line; a line of which `parse_record` makes none is malformed."""
    lines, bad = readable_lines(block, MAX_RECORD_BYTES)
    parsed = [parse_record(line) for line in lines["line"]]
    is_record = pl.Series([record is not None for record in parsed], dtype=pl.Boolean)
    records = [record for record in parsed if record is not None]
    numbers = lines.filter(is_record)["row"]
    if wanted.exploded is not None:
        parts = [_exploded(record, wanted.exploded) for record in records]
        numbers = numbers.gather([place for place, rows in enumerate(parts) for _ in rows])
        records = [record for rows in parts for record in rows]
    columns = {name: _column(records, name, wanted) for name in wanted.names}
    rows = pl.DataFrame({"row": numbers, **columns})
    return RowBatch(rows, pl.concat([bad, malformed(lines.filter(~is_record))]))


def _exploded(record: Record, key: str) -> list[Record]:
    """The record once for each object of a list, with that object in place of the list."""
    objects = record.get(key)
    if not isinstance(objects, list | tuple) or not objects:
        return [record]
    return [{**record, key: member} for member in objects]


def _column(records: list[Record], name: str, wanted: WantedValues) -> pl.Series:
    no_lists, no_booleans = name in wanted.no_lists, name in wanted.no_booleans
    texts = [as_text(value_at(record, name), no_lists, no_booleans) for record in records]
    return pl.Series(texts, dtype=pl.String)


def value_at(record: Record, name: str) -> Any:
    """The value of a key, or of a path of keys where no key is called so; None where none is.

    A path through a list gives the list of its objects' values.
    """
    if name in record or PATH_MARK not in name:
        return record.get(name)
    key, _, rest = name.partition(PATH_MARK)
    value = record.get(key)
    if isinstance(value, list | tuple):
        return [value_at(part, rest) if isinstance(part, dict) else None for part in value]
    return value_at(value, rest) if isinstance(value, dict) else None


def as_text(value: Any, no_lists: bool = False, no_booleans: bool = False) -> str | None:
    """A value as text; null, NaN and infinities are none."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        text = whole_characters(value)
        return NO_ID + as_json(text) if no_lists and text.startswith(NO_ID) else text
    if isinstance(value, bool):
        return NO_ID * no_booleans + as_json(value)
    if value is None or isinstance(value, int | float):
        return number_text(value)
    if no_lists and isinstance(value, list | tuple):
        return NO_ID + as_json([as_text(part, no_lists, no_booleans) for part in value])
    return NO_ID * no_lists + as_json(value)


def number_text(number: float | None) -> str | None:
    """A number in decimal digits; None where it is none."""
    if number is None or isinstance(number, int):
        return None if number is None else str(number)
    if not math.isfinite(number):
        return None
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def as_json(value: Any) -> str:
    """A value as JSON, with numbers as `as_text` writes them."""
    if isinstance(value, dict):
        pairs = (f"{as_json(str(key))}: {as_json(part)}" for key, part in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple | set):
        return f"[{', '.join(as_json(part) for part in value)}]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return number_text(value) or "null"
    return json.dumps(whole_characters(str(value)), ensure_ascii=False)


def whole_characters(text: str) -> str:
    """The text with halves of surrogate pairs joined, or replaced where one is alone."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_half_characters(block: Block) -> Block:
    """The block with every escaped half of a surrogate pair that stands alone replaced."""
    if b"\\ud" not in block.data and b"\\uD" not in block.data:
        return block
    if not ESCAPED_HALF.search(block.data):
        return block
    data = ESCAPES.sub(_replaced_half, block.data)
    return Block(data, block.first, block.encoding)


def _replaced_half(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]
