"""What one run of prepare leaves for the next: the ids in order, and the events in partitions.

It lies in the cache and is replaced as a whole when a run succeeds, so a run that dies leaves the
last good one behind.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core.checksum import (
    DamagedError,
    check_files,
    file_checksum,
    read_checked_json,
    write_checked_json,
)
from slmrec.core.files import new_folder
from slmrec.core.fingerprint import made_by
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.encoder import Encoder
from slmrec.preprocessing.events.filters import has_rules
from slmrec.preprocessing.events.id_index import (
    ENTRIES,
    IdIndex,
    common_prefix,
    first_appearances,
    in_index_order,
)
from slmrec.preprocessing.events.partitions import Partition, Plan, make_partitions

SIDES = ("users", "items")
NO_IDS = dict.fromkeys(SIDES, pl.DataFrame(schema=ENTRIES))
SETTLED = "settled.json"
FOLDER = "generation"  # below the cache folder of prepare


@dataclass(frozen=True)
class Generation:
    """Users, items and events of one run. Partitions are made as the iterator is advanced."""

    users: pl.DataFrame  # id, first_us, in order of their numbers
    items: pl.DataFrame  # likewise
    partitions: Iterator[Partition]


@dataclass(frozen=True)
class Settled:
    """First appearances of ids in all groups of files but the newest.

    The newest group grows or changes with the next delivery; what the others say is not read again.
    """

    ids: dict[str, pl.DataFrame]  # id, first_us, of users and of items
    chunks: list[str]


@dataclass(frozen=True)
class Previous:
    """The generation of the last run, empty where there is none."""

    partitions: Path
    ids: dict[str, pl.DataFrame]  # id, first_us, of users and of items
    settled: Settled


@contextmanager
def new_generation(
    chunks: list[Chunk], known: pl.Series, listed: pl.Series, p: PrepareParams, cache_dir: Path
) -> Iterator[Generation]:
    """Number the ids and yield the new generation; it is kept if the block succeeds.

    `known` are the ids of the previous item index in order, `listed` those of the item files. The
    block must take all partitions. If it raises, the last generation stays.
    """
    previous = _read_previous(cache_dir / FOLDER)
    newest = [chunk for chunk in chunks if chunk.group == chunks[-1].group]
    settled = _settle(chunks[: len(chunks) - len(newest)], previous.settled)
    ids = _number_ids(settled, newest, known, listed)
    with new_folder(cache_dir / FOLDER) as folder:
        _write(folder, ids, settled)
        encoder = Encoder(IdIndex(ids["users"], 0), IdIndex(ids["items"], FIRST_ITEM), p.seed)
        plan = _plan(previous, ids, p, folder)
        # Closed before the folder is moved or removed: no thread may write there any more.
        with closing(make_partitions(chunks, encoder, plan)) as partitions:
            yield Generation(ids["users"], ids["items"], partitions)


def _plan(previous: Previous, ids: dict[str, pl.DataFrame], p: PrepareParams, folder: Path) -> Plan:
    code_and_seed = json.dumps([made_by("core", "preprocessing/events"), p.seed])
    users, items = (common_prefix(previous.ids[kind]["id"], ids[kind]["id"]) for kind in SIDES)
    return Plan(
        key=hashlib.sha256(code_and_seed.encode()).hexdigest(),
        origins=has_rules(p),
        old=previous.partitions,
        new=folder / "partitions",
        users_unchanged=users,
        items_unchanged=FIRST_ITEM + items,
    )


def _settle(chunks: list[Chunk], previous: Settled) -> Settled:
    """First appearances in `chunks`; of those that were settled before, nothing is read."""
    names = [chunk.name for chunk in chunks]
    known = set(previous.chunks)
    if not known <= set(names):  # some file is gone or changed: start over
        return Settled(_add_appearances(NO_IDS, chunks), names)
    new = [chunk for chunk in chunks if chunk.name not in known]
    return Settled(_add_appearances(previous.ids, new) if new else previous.ids, names)


def _add_appearances(ids: dict[str, pl.DataFrame], chunks: list[Chunk]) -> dict[str, pl.DataFrame]:
    return {
        kind: first_appearances([ids[kind].lazy(), *(chunk.scan_ids(kind) for chunk in chunks)])
        for kind in SIDES
    }


def _number_ids(
    settled: Settled, newest: list[Chunk], known: pl.Series, listed: pl.Series
) -> dict[str, pl.DataFrame]:
    """Users and items (id, first_us) in order of their numbers."""
    seen = _add_appearances(settled.ids, newest)
    unseen = pl.DataFrame({"id": listed}).join(seen["items"], on="id", how="anti")
    unseen = unseen.with_columns(first_us=pl.lit(None, pl.Int64)).select(ENTRIES.names())
    no_ids = pl.Series("id", [], dtype=pl.String)
    return {
        "users": in_index_order(seen["users"], no_ids),
        "items": in_index_order(pl.concat([seen["items"], unseen]), known),
    }


def _write(folder: Path, ids: dict[str, pl.DataFrame], settled: Settled) -> None:
    for kind in SIDES:
        ids[kind].write_parquet(folder / f"{kind}.parquet", compression="lz4")
        settled.ids[kind].write_parquet(folder / f"settled_{kind}.parquet", compression="lz4")
    checksums = {file.name: file_checksum(file) for file in sorted(folder.glob("*.parquet"))}
    settled_as_json = {"chunks": settled.chunks, "checksums": checksums}
    write_checked_json(folder / SETTLED, settled_as_json)


def _read_previous(folder: Path) -> Previous:
    nothing = Previous(folder / "partitions", NO_IDS, Settled(NO_IDS, []))
    if not (folder / SETTLED).is_file():
        return nothing
    try:
        settled = read_checked_json(folder / SETTLED)
        check_files(folder, settled["checksums"])
    except DamagedError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return nothing
    ids = {kind: pl.read_parquet(folder / f"{kind}.parquet") for kind in SIDES}
    settled_ids = {kind: pl.read_parquet(folder / f"settled_{kind}.parquet") for kind in SIDES}
    return Previous(nothing.partitions, ids, Settled(settled_ids, settled["chunks"]))
