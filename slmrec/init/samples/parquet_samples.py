"""Parquet files as sampled tables: the schema, and some row groups from start, middle and end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from slmrec.init.samples.raw_files import UnreadableFileError
from slmrec.init.samples.sampled_table import (
    LIST,
    OBJECT,
    OBJECTS,
    TIME,
    Layout,
    SampledColumn,
    SampledTable,
    object_column,
)

GROUPS_READ = 4  # row groups at most
ROWS_READ = 20_000  # of all of them together
MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether the first bytes are Parquet's."""
    with path.open("rb") as stream:
        return stream.read(4) == MAGIC


def sample_parquet(path: Path) -> SampledTable:
    """Rows of a Parquet file. Raises UnreadableFileError where it is none."""
    try:
        file = pq.ParquetFile(path)
        groups = file.num_row_groups
        chosen = sorted({groups * place // GROUPS_READ for place in range(GROUPS_READ)})[:groups]
        size = ROWS_READ // max(len(chosen), 1)
        firsts = [next(file.iter_batches(size, row_groups=[group]), None) for group in chosen]
        batches = [batch for batch in firsts if batch is not None]
        table = pa.Table.from_batches(batches, schema=file.schema_arrow)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(f"it is not readable Parquet ({error})") from error
    columns = [_column(name, table[place]) for place, name in enumerate(table.column_names)]
    layout = Layout("parquet", None, "first_line", "utf-8", file.metadata.num_rows)
    return SampledTable(layout, columns, 0, len(table) == file.metadata.num_rows)


def _column(name: str, column: pa.ChunkedArray) -> SampledColumn:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed_times(name, column)
    if pa.types.is_nested(kind):
        return _nested(name, column)
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values = [None if value is None else value.hex() for value in column.to_pylist()]
        return object_column(name, values)
    return object_column(name, column.to_pylist())


def _typed_times(name: str, column: pa.ChunkedArray) -> SampledColumn:
    values = [
        None if value is None else value.isoformat()
        for value in column.cast(_micro(column)).to_pylist()
    ]
    return SampledColumn(name, TIME, values)


def _micro(column: pa.ChunkedArray) -> pa.DataType:
    """Nanoseconds have no place in Python's times."""
    if pa.types.is_date(column.type):
        return pa.date32()
    return pa.timestamp("us", column.type.tz)


def _nested(name: str, column: pa.ChunkedArray) -> SampledColumn:
    kind, blank = column.type, [None] * len(column)
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return SampledColumn(name, OBJECT, list(blank))
    if pa.types.is_struct(kind.value_type):
        keys = tuple(
            kind.value_type.field(place).name for place in range(kind.value_type.num_fields)
        )
        return SampledColumn(name, OBJECTS, list(blank), keys=keys)
    rows: list[Any] = column.to_pylist()
    return SampledColumn(
        name, LIST, list(blank), items=[[str(x) for x in row or []] for row in rows]
    )
