"""Tiny made-up files in the layouts of public logs, and what prepare must make of them."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Layout:
    """Files below data/, the events (user, item) in order of time, and the titles."""

    files: dict[str, bytes]
    events: list[tuple[str, str]]
    titles: dict[str, str]


def as_lines(*lines: object, encoding: str = "utf-8") -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(encoding)


def as_json_lines(*records: dict[str, Any]) -> bytes:
    return as_lines(*map(json.dumps, records))


def as_python_gz(*records: dict[str, Any]) -> bytes:
    return gzip.compress(as_lines(*records))


def table_as_parquet(table: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    table.write_parquet(stream)
    return stream.getvalue()
