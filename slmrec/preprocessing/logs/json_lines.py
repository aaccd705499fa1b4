"""JSON lines as rows, and the lines that are no records."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from slmrec.preprocessing.logs.text_blocks import (
    Block,
    RowBatch,
    malformed,
    readable_lines,
    regular_batch,
)

RECORDS_SHOWN = 100  # whose keys say what there is when a column is missing


def parse_json(block: Block, wanted: list[str]) -> RowBatch:
    """The wanted keys of a block of JSON lines, every value as text; a missing key is null."""
    if block.looks_regular:
        rows = _read_ndjson(block.data, wanted)
        if rows is not None and len(rows) == block.lines:
            return regular_batch(block, rows)
    return _parse_by_line(block, wanted)


def _read_ndjson(data: bytes, wanted: list[str]) -> pl.DataFrame | None:
    """The wanted keys, or None where a line is no JSON object."""
    try:
        return pl.read_ndjson(data, schema=dict.fromkeys(wanted, pl.String))
    except pl.exceptions.ComputeError:
        return None


def _parse_by_line(block: Block, wanted: list[str]) -> RowBatch:
    lines, bad = readable_lines(block)
    parsed = [_record(line) for line in lines["line"]]
    is_record = pl.Series([record is not None for record in parsed], dtype=pl.Boolean)
    records = [record for record in parsed if record is not None]
    columns = {
        name: pl.Series([_text(record.get(name)) for record in records], dtype=pl.String)
        for name in wanted
    }
    rows = pl.DataFrame({"row": lines.filter(is_record)["row"], **columns})
    return RowBatch(rows, pl.concat([bad, malformed(lines.filter(~is_record))]))


def _record(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def json_keys(block: Block) -> list[str]:
    """Keys of the first records, to say what there is when a column is missing."""
    lines = block.data.split(b"\n", RECORDS_SHOWN)[:RECORDS_SHOWN]
    records = [_record(line.decode(errors="replace")) or {} for line in lines]
    return sorted({key for record in records for key in record})
