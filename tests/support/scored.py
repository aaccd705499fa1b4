"""Histories in Parquet, as `slmrec score` reads them, and what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from slmrec.scoring.source import SCHEMA


def write_histories(
    file: Path, lists: Sequence[Sequence[str]], first_user: int = 0, rows_of_group: int = 700
) -> Path:
    """Users "u0", "u1" and so on with a history each."""
    users = [f"u{first_user + row}" for row in range(len(lists))]
    kinds = [("user", pa.string()), ("items", pa.list_(pa.string()))]
    table = pa.table([users, [list(items) for items in lists]], schema=pa.schema(kinds))
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=rows_of_group)
    return file


def walks(users: int) -> list[list[str]]:
    """Histories of 0 to 12 of the small bundle's items, and every 100th with an unknown one."""
    return [
        [f"i{2 + (7 * user + 3 * step) % 40}" for step in range(user % 13)]
        + (["nowhere"] if user % 100 == 99 else [])
        for user in range(users)
    ]


def histories_of(lists: Sequence[Sequence[str]]) -> pa.Table:
    """Users "u0", "u1" and so on with a history each, as a part holds them."""
    return pa.table([[f"u{row}" for row in range(len(lists))], lists], schema=SCHEMA)


def written_parts(out: Path) -> dict[str, bytes]:
    """The bytes of each part by its name."""
    return {file.name: file.read_bytes() for file in sorted(out.glob("part-*.parquet"))}


def written_rows(out: Path) -> list[dict[str, Any]]:
    """The rows of all parts, in order."""
    tables = [pq.read_table(file) for file in sorted(out.glob("part-*.parquet"))]
    rows: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return rows
