"""JSON lines as rows, lines that are no records apart."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from slmrec.preprocessing.logs.text_blocks import (
    BAD_LINES,
    MAX_LINE,
    Batch,
    Block,
    numbered,
    readable_lines,
    shown_text,
)


def parse_json(block: Block, wanted: list[str]) -> Batch:
    """The wanted keys of a block of JSON lines, every value as text; a missing key is null."""
    lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if len(block.data) <= lines * MAX_LINE and b"\0" not in block.data:
        try:
            rows = pl.read_ndjson(block.data, schema=dict.fromkeys(wanted, pl.String))
        except pl.exceptions.ComputeError:
            return _json_by_line(block, wanted)
        if len(rows) == lines:
            return Batch(numbered(rows, block.first), pl.DataFrame(schema=BAD_LINES))
    return _json_by_line(block, wanted)


def _json_by_line(block: Block, wanted: list[str]) -> Batch:
    lines, bad = readable_lines(block)
    records = [_record(line) for line in lines["line"]]
    good = pl.Series([record is not None for record in records], dtype=pl.Boolean)
    found = [record for record in records if record is not None]
    columns = {
        name: pl.Series([_text(record.get(name)) for record in found], dtype=pl.String)
        for name in wanted
    }
    malformed = lines.filter(~good).select(
        "row", reason=pl.lit("malformed line"), text=shown_text()
    )
    return Batch(
        pl.DataFrame({"row": lines.filter(good)["row"], **columns}), pl.concat([bad, malformed])
    )


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
    """Keys of the first hundred records, to say what there is when a column is missing."""
    records = [
        _record(line.decode(errors="replace")) or {} for line in block.data.split(b"\n", 100)[:100]
    ]
    return sorted({key for record in records for key in record})
