"""One part: histories in, an answer for each out, and a count of what was not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from slmrec.core.errors import DataError
from slmrec.core.files import new_file
from slmrec.scoring.source import SCHEMA

# Users handed to the model at once, which sorts them by length. The last bits of an answer
# depend on which histories share a run of the graph: so these are the same ones however large a
# part is, however many processes work and however the input was cut into files and row groups.
USERS_AT_ONCE = 1024
NOTE = b"slmrec.scoring"  # metadata of a part: what it was made with, and its counts


@dataclass(frozen=True)
class Counts:
    """What a part, or all of them, held; nothing that was lost on the way goes unsaid."""

    users: int = 0
    ids: int = 0  # in the histories
    unknown_ids: int = 0  # read as the unknown item
    first_unknown: str | None = None
    empty_histories: int = 0  # answered as an unknown item is
    short_lists: int = 0  # fewer than k candidates were left

    def __add__(self, other: Counts) -> Counts:
        """The counts of both, `self` being the earlier one."""
        numbers = {
            name: value + getattr(other, name)
            for name, value in asdict(self).items()
            if name != "first_unknown"
        }
        return Counts(**numbers, first_unknown=self.first_unknown or other.first_unknown)


Answer = Callable[[pa.Table], tuple[pa.Table, Counts]]  # of histories


def in_groups(histories: pa.Table, answer: Answer, schema: pa.Schema) -> tuple[pa.Table, Counts]:
    """What `answer` gives for each group of `USERS_AT_ONCE` histories, joined in their order."""
    tables, counts = [schema.empty_table()], Counts()
    for first in range(0, len(histories), USERS_AT_ONCE):
        table, counted = answer(histories.slice(first, USERS_AT_ONCE))
        tables.append(table.cast(schema))
        counts += counted
    return pa.concat_tables(tables).combine_chunks(), counts


def write_part(file: Path, table: pa.Table, counts: Counts, made_with: str) -> None:
    """Write a part, complete or not at all; `made_with` is the hash of the run's settings."""
    note = json.dumps({"counts": asdict(counts), "made_with": made_with}, sort_keys=True)
    with new_file(file) as temporary:
        noted = table.replace_schema_metadata({NOTE: note.encode()})
        pq.write_table(noted, temporary, compression="zstd")


def read_counts(file: Path, users: int, made_with: str) -> Counts:
    """The counts of a part that was written, without reading its rows.

    Raises DataError where it is damaged, of another run, or has not `users` rows.
    """
    try:
        metadata = pq.read_metadata(file)
        note: dict[str, Any] = json.loads(metadata.metadata[NOTE])
        counts = Counts(**note["counts"])
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file} is no part of such a run; remove it") from error
    if note["made_with"] != made_with:
        raise DataError(f"{file} is of a run with other settings; remove it")
    if not metadata.num_rows == counts.users == users:
        raise DataError(
            f"{file} has {metadata.num_rows:,} rows, expected {users:,}; remove it and run it again"
        )
    return counts


def from_ipc(data: bytes) -> pa.Table:
    """A table of histories that came from another process."""
    return pa.ipc.open_stream(data).read_all()


def to_ipc(histories: pa.Table) -> bytes:
    """A table of histories for another process: the rows alone, not what they were cut from."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write_table(histories)
    data: bytes = sink.getvalue().to_pybytes()
    return data
