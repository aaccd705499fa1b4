"""Histories in Parquet files of any size, read in order, a part at a time and once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from slmrec.core.errors import DataError, UsageError
from slmrec.core.files import sha256_of

USER, ITEMS = "user", "items"
SCHEMA = pa.schema(
    [pa.field(USER, pa.large_string()), pa.field(ITEMS, pa.large_list(pa.large_string()))]
)
WANTED = "columns `user` (text) and `items` (a list of text, oldest first)"
ROWS_AT_ONCE = 4096  # users that are decoded at once
BUFFER = 2**20  # bytes of a column that are read at once, so that a large row group is not
HIDDEN = (".", "_")  # how names begin that readers of such folders pass over


@dataclass(frozen=True)
class Source:
    """One file of histories, or all of a folder, in the order of their paths."""

    path: Path
    files: tuple[Path, ...]

    @staticmethod
    def at(path: Path) -> Source:
        """What lies at `path`.

        Raises UsageError where nothing does, and DataError for a file that holds no histories.
        """
        source = Source(path, tuple(_files(path)))
        for file in source.files:
            _check_columns(file)
        return source

    @cached_property
    def users(self) -> int:
        """Rows of all files, as these say at their end."""
        return sum(_opened(file).metadata.num_rows for file in self.files)

    def facts(self) -> dict[str, Any]:
        """What tells these histories from others: users, bytes, and a hash of names and bytes."""
        digest = hashlib.sha256()
        for file in self.files:
            name = "" if file == self.path else file.relative_to(self.path).as_posix()
            digest.update(f"{name}\0{sha256_of(file)}\n".encode())
        size = sum(file.stat().st_size for file in self.files)
        return {"users": self.users, "bytes": size, "sha256": digest.hexdigest()}

    def parts(self, size: int, wanted: Collection[int]) -> Iterator[tuple[int, pa.Table]]:
        """The parts numbered `wanted`, each of `size` users but the last, as `SCHEMA` says.

        Row groups and files may be cut anywhere; what no wanted part needs is passed over. Raises
        DataError where a user, a list or an item is missing.
        """
        for part, pieces in groupby(self._pieces(size, wanted), key=itemgetter(0)):
            # Columns may lie in another order and of another type of text in every file.
            tables = [pa.table(batch).select(SCHEMA.names).cast(SCHEMA) for _, batch in pieces]
            table = pa.concat_tables(tables)
            _check_no_gaps(self.path, table, part * size)
            yield part, table

    def _pieces(self, size: int, wanted: Collection[int]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Pieces of the wanted parts in order, none of them in two parts."""
        for first, batch in self._batches(size, wanted):
            start = 0
            while start < len(batch):
                part, place = divmod(first + start, size)
                length = min(size - place, len(batch) - start)
                if part in wanted:
                    yield part, batch.slice(start, length)
                start += length

    def _batches(self, size: int, wanted: Collection[int]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Rows of all row groups that hold some of a wanted part, and the number of the first."""
        first = 0
        for file in self.files:
            opened = _opened(file)
            for group in range(opened.num_row_groups):
                rows = opened.metadata.row_group(group).num_rows
                parts = range(first // size, (first + rows - 1) // size + 1)
                if any(part in wanted for part in parts):
                    yield from _rows_of_group(file, opened, group, first)
                first += rows


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*.parquet")
        if file.is_file()
        and not any(name.startswith(HIDDEN) for name in file.relative_to(path).parts)
    )
    if not files:
        raise UsageError(
            f"{path} is neither a Parquet file nor a folder of them; give histories with {WANTED}"
        )
    return files


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
    except pa.ArrowException as error:
        message = " ".join(str(error).split())[:200]
        raise DataError(f"{file} is not readable as Parquet ({message}); write it again") from error


def _rows_of_group(
    file: Path, opened: pq.ParquetFile, group: int, first: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    batches = opened.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[USER, ITEMS])
    try:
        for batch in batches:
            yield first, batch
            first += len(batch)
    except (pa.ArrowException, OSError) as error:
        message = " ".join(str(error).split())[:200]
        raise DataError(f"{file} cannot be read to its end ({message}); write it again") from error


def _check_columns(file: Path) -> None:
    schema = _opened(file).schema_arrow
    for name, fits in ((USER, _is_text), (ITEMS, _is_list_of_text)):
        if schema.names.count(name) != 1:
            raise DataError(
                f"{file} has the columns {', '.join(schema.names)[:200]}; give {WANTED}"
            )
        if not fits(schema.field(name).type):
            raise DataError(f"{file}: {name} is {schema.field(name).type}; give {WANTED}")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(kind) for is_kind in kinds)


def _is_list_of_text(kind: pa.DataType) -> bool:
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type)


def _check_no_gaps(path: Path, table: pa.Table, first: int) -> None:
    """Raise DataError for what is no text, and for a null: an empty history, or a loss?"""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} holds text that is not UTF-8 ({error}); write it again") from error
    for name in (USER, ITEMS):
        if table[name].null_count:
            place = table[name].is_null().to_pylist().index(True)
            raise DataError(
                f"{path}: row {first + place:,} (the first is 0) has no {name}; "
                "give every user a text and a list, which may be empty"
            )
    if any(chunk.flatten().null_count for chunk in table[ITEMS].chunks):
        lists = table[ITEMS].to_pylist()
        place = next(row for row, items in enumerate(lists) if None in items)
        raise DataError(
            f"{path}: row {first + place:,} (the first is 0) has an item that is null; leave it out"
        )
