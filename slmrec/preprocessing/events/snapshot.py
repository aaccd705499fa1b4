"""What one run of prepare leaves for the next: the ids in order of their numbers, and the events in parts.

It lies in the cache, replaced as a whole when a run succeeds, so a run that dies leaves the last
good one behind.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slmrec.core.files import new_folder, read_json, write_json
from slmrec.core.fingerprint import made_by
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events import filters
from slmrec.preprocessing.events.chunk_store import Chunk
from slmrec.preprocessing.events.id_index import ENTRIES, Index, common_prefix, in_order, merge
from slmrec.preprocessing.events.partitions import Encoder, Part, Plan, make_parts


@dataclass(frozen=True)
class Generation:
    """Users, items (id, first_us; in order of their numbers) and parts, which are made as they are taken."""

    users: pl.DataFrame
    items: pl.DataFrame
    parts: Iterator[Part]


SIDES = ("users", "items")


@dataclass(frozen=True)
class Old:
    """The last generation, empty where there is none.

    `settled` are first appearances (id, first_us) in the chunks `settled_chunks`: all but the
    newest group's, which grows or changes with the next delivery.
    """

    folder: Path
    users: pl.DataFrame
    items: pl.DataFrame
    settled: dict[str, pl.DataFrame]
    settled_chunks: set[str]


def make_generation(
    chunks: list[Chunk],
    known: pl.Series,
    listed: pl.Series,
    p: PrepareParams,
    home: Path,
    use: Callable[[Generation], None],
) -> None:
    """Number the ids, hand the generation to `use`, which takes all its parts, and keep it in `home` when `use` succeeds.

    `known` are the ids of the previous item index in order, `listed` those of the item files.
    """
    old = _read_old(home / "generation")
    newest = [chunk for chunk in chunks if chunk.group == chunks[-1].group]
    others = chunks[: -len(newest)]
    settled = {kind: _settled(others, kind, old) for kind in SIDES}
    seen_users, seen_items = (
        merge([settled[kind].lazy(), *(chunk.scan_ids(kind) for chunk in newest)]) for kind in SIDES
    )
    unseen = (
        pl.DataFrame({"id": listed})
        .join(seen_items, on="id", how="anti")
        .with_columns(first_us=pl.lit(None, pl.Int64))
    )
    users = in_order(seen_users, pl.Series("id", [], dtype=pl.String))
    items = in_order(pl.concat([seen_items, unseen.select(ENTRIES.names())]), known)
    with new_folder(home / "generation") as folder:
        plan = Plan(
            key=_key(p),
            origins=filters.active(p),
            old=old.folder / "parts",
            new=folder / "parts",
            users_unchanged=common_prefix(old.users["id"], users["id"]),
            items_unchanged=FIRST_ITEM + common_prefix(old.items["id"], items["id"]),
        )
        encoder = Encoder(Index(users, 0), Index(items, FIRST_ITEM), p.seed)
        _write(folder, {"users": users, "items": items}, settled, [chunk.name for chunk in others])
        use(Generation(users, items, make_parts(chunks, encoder, plan)))


def _key(p: PrepareParams) -> str:
    return hashlib.sha256(
        json.dumps([made_by("core", "preprocessing/events"), p.seed]).encode()
    ).hexdigest()


def _write(
    folder: Path,
    ids: dict[str, pl.DataFrame],
    settled: dict[str, pl.DataFrame],
    settled_chunks: list[str],
) -> None:
    for kind in SIDES:
        ids[kind].write_parquet(folder / f"{kind}.parquet", compression="lz4")
        settled[kind].write_parquet(folder / f"settled_{kind}.parquet", compression="lz4")
    write_json(folder / "settled.json", settled_chunks)


def _read_old(folder: Path) -> Old:
    nothing = pl.DataFrame(schema=ENTRIES)
    if not (folder / "settled.json").is_file():
        return Old(folder, nothing, nothing, dict.fromkeys(SIDES, nothing), set())
    users, items = (pl.read_parquet(folder / f"{kind}.parquet") for kind in SIDES)
    settled = {kind: pl.read_parquet(folder / f"settled_{kind}.parquet") for kind in SIDES}
    return Old(folder, users, items, settled, set(read_json(folder / "settled.json")))


def _settled(others: list[Chunk], kind: str, old: Old) -> pl.DataFrame:
    """First appearances in all groups but the newest; what the old generation settled is not read again if it still holds."""
    wanted = {chunk.name: chunk for chunk in others}
    if not old.settled_chunks <= wanted.keys():
        return merge([chunk.scan_ids(kind) for chunk in wanted.values()])
    new = [chunk.scan_ids(kind) for name, chunk in wanted.items() if name not in old.settled_chunks]
    return merge([old.settled[kind].lazy(), *new]) if new else old.settled[kind]


def forget_unused(folder: Path, chunks: list[Chunk]) -> None:
    """Remove the chunks in `folder` that this run did not use: the cache holds what the last run used, no more."""
    used = {chunk.path.parent for chunk in chunks}
    for entry in folder.iterdir():
        if entry not in used:
            shutil.rmtree(entry)
