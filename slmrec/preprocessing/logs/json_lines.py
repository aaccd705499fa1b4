"""JSON lines as rows, and the lines that are no records."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from slmrec.preprocessing.logs.text_blocks import Block, RowBatch, regular_batch
from slmrec.preprocessing.logs.values import (
    PATH_MARK,
    Number,
    Record,
    WantedValues,
    number_text,
    parse_by_line,
    without_half_characters,
)


def parse_json(block: Block, wanted: WantedValues, paths: frozenset[str]) -> RowBatch:
    """The wanted keys of a block of JSON lines, every value as text; a missing key is null.

    `paths` are the wanted names that are no keys but paths of keys.
    """
    has_escapes = b"\\" in block.data and b"\\u" in block.data  # the first is found at once
    if has_escapes:
        block = without_half_characters(block)
    has_nul = has_escapes and b"\\u0000" in block.data
    if block.looks_regular and not paths and not has_nul:
        rows = _read_ndjson(block.data, wanted.names)
        if rows is not None and len(rows) == block.lines and _only_texts(rows, wanted):
            return regular_batch(block, rows)
    return parse_by_line(block, json_record, wanted)


def _read_ndjson(data: bytes, wanted: list[str]) -> pl.DataFrame | None:
    """The wanted keys, or None where a line is no JSON object."""
    try:
        return pl.read_ndjson(data, schema=dict.fromkeys(wanted, pl.String))
    except pl.exceptions.ComputeError:
        return None


def _only_texts(rows: pl.DataFrame, wanted: WantedValues) -> bool:
    """Whether no value that must not be taken for text can be a list, an object or a boolean."""
    lists, booleans = (
        [pl.col(name) for name in names] for names in (wanted.no_lists, wanted.no_booleans)
    )
    suspects = [
        *(values.str.starts_with(bracket).any() for values in lists for bracket in "[{"),
        *((values == boolean).any() for values in booleans for boolean in ("true", "false")),
    ]
    return not rows.select(pl.any_horizontal(pl.lit(False), *suspects)).item()


def json_record(line: str) -> Record | None:
    """The object that a line is, numbers as Number; None where it is none."""
    try:
        value = json.loads(
            line,
            parse_int=Number,
            parse_float=_number,
            parse_constant=lambda _: None,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _number(digits: str) -> Number | None:
    text = number_text(float(digits))
    return None if text is None else Number(text)


def _object(pairs: list[tuple[str, Any]]) -> Record:
    """Keys and values; the first one of a key counts, as in the fast parser."""
    record = dict(pairs)
    return record if len(record) == len(pairs) else dict(reversed(pairs))


def is_path(name: str, keys: list[str]) -> bool:
    """Whether a wanted name that is none of the keys is a path that begins with one of them."""
    return name not in keys and PATH_MARK in name and name.partition(PATH_MARK)[0] in keys
