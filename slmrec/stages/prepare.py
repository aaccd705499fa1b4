"""Raw logs become events, users, items and a quarantine table."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from slmrec.core import tables
from slmrec.core.cache import cache_folder
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.catalogue import (
    PREVIOUS_CHAMPION,
    PREVIOUS_PROFILE,
    Catalogue,
    read_catalogue,
    read_previous,
)
from slmrec.preprocessing.events.champion import hand_on_champion
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.chunk_store import (
    chunks_of,
    forget_unused,
    start_over_where_damaged,
)
from slmrec.preprocessing.events.deliveries import group_files, hash_files, set_copies_apart
from slmrec.preprocessing.events.listed import Overlap
from slmrec.preprocessing.events.loss import EVENTS, ITEMS
from slmrec.preprocessing.events.quarantine import Quarantine
from slmrec.preprocessing.events.snapshot import new_generation
from slmrec.preprocessing.events.writer import write_events, write_tables
from slmrec.preprocessing.logs.log_files import find_files


def read_chunks(
    data_dir: Path, p: PrepareParams, cache_dir: Path, quarantine: Quarantine
) -> list[Chunk]:
    """Parse what the cache does not hold; set aside rows that are no events and copies of files."""
    files = hash_files(find_files(data_dir, p.events), cache_dir / "hashes.json")
    originals, copies = set_copies_apart(files)
    groups = group_files(originals)
    for delivered in files:
        quarantine.count_rows(EVENTS, delivered.file.name, 0)
    chunks: list[Chunk] = []
    for group, new in zip(groups, chunks_of(groups, p, cache_dir / "chunks"), strict=True):
        chunks += new
        for chunk in new:
            quarantine.add_chunk(chunk)
            for number, delivered in enumerate(group):
                for copy in copies.get(delivered.digest, []):
                    quarantine.add_copy(chunk, number, copy)
    return chunks


def main(data_dir: Path, *, events_dir: Path, champion_dir: Path, metrics_path: Path) -> None:
    """Read the logs in `data_dir`, write tables to `events_dir` and counts to `metrics_path`.

    `champion_dir` gets the models that trainings go on from, where the data version brings some.
    """
    start_over_where_damaged(lambda: _prepare(data_dir, events_dir, metrics_path))
    items = tables.read_table(events_dir / "items.parquet", tables.ITEMS)["item"]
    hand_on_champion(data_dir / PREVIOUS_CHAMPION, items, champion_dir)


def _prepare(data_dir: Path, events_dir: Path, metrics_path: Path) -> None:
    p = PrepareParams.read()
    cache_dir = cache_folder() / "prepare"
    previous, catalogue = read_previous(data_dir), read_catalogue(data_dir, p.items)
    with new_folder(events_dir) as folder:
        quarantine = Quarantine(folder / "quarantine")
        _check_items(catalogue, quarantine, p)
        chunks = read_chunks(data_dir, p, cache_dir, quarantine)
        quarantine.check(EVENTS, p)
        ids = (previous["item"], catalogue.items["id"])
        with new_generation(chunks, *ids, p, cache_dir) as generation:
            counts = write_events(generation, p, quarantine, folder)
            write_tables(generation, previous, catalogue, counts, folder)
            overlap = counts.compare_with_list(generation, catalogue) if p.items else None
        lost = [quarantine.report(source) for source in (EVENTS, ITEMS)]
        quarantine.write(folder / "quarantine.parquet")
        if (data_dir / PREVIOUS_PROFILE).is_file():
            shutil.copyfile(data_dir / PREVIOUS_PROFILE, folder / "previous_profile.json")
    write_json(metrics_path, counts.as_metrics(quarantine, catalogue, len(previous), overlap))
    forget_unused(cache_dir / "chunks", chunks)
    _tell(lost, overlap)


def _check_items(catalogue: Catalogue, quarantine: Quarantine, p: PrepareParams) -> None:
    """Raise DataError when the item files lose too many rows, before the events are read."""
    for name, rows in catalogue.rows.items():
        quarantine.count_rows(ITEMS, name, rows)
        quarantine.add(catalogue.bad[name], name, ITEMS)
    quarantine.check(ITEMS, p)
    if p.items and not len(catalogue.items):
        raise DataError(
            f"the item files ({', '.join(catalogue.rows)}) hold no row; deliver them again, "
            "or set prepare.items: null in params.yaml"
        )


def _tell(lost: list[str], overlap: Overlap | None) -> None:
    """Say on the terminal what was set aside, and how events and item files agree."""
    for line in filter(None, lost):
        print(f"prepare: {line}", file=sys.stderr)
    if overlap is not None:
        stream = sys.stderr if overlap.is_small else sys.stdout
        print(f"prepare: {overlap.line}", file=stream)


if __name__ == "__main__":
    run_stage(main)
