"""Raw logs become events, users, items and a quarantine table."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmrec.core.cache import cache_folder
from slmrec.core.files import new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.catalogue import PREVIOUS_PROFILE, read_catalogue, read_previous
from slmrec.preprocessing.events.chunk import Chunk
from slmrec.preprocessing.events.chunk_store import chunks_of, forget_unused
from slmrec.preprocessing.events.deliveries import group_files, hash_files, set_copies_apart
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
    chunks: list[Chunk] = []
    for group, new in zip(groups, chunks_of(groups, p, cache_dir / "chunks"), strict=True):
        chunks += new
        for chunk in new:
            quarantine.add_chunk(chunk)
            for number, delivered in enumerate(group):
                for copy in copies.get(delivered.digest, []):
                    quarantine.add_copy(chunk, number, copy)
    return chunks


def main(data_dir: Path, *, events_dir: Path, metrics_path: Path) -> None:
    """Read the logs in `data_dir`, write tables to `events_dir` and counts to `metrics_path`."""
    p = PrepareParams.read()
    cache_dir = cache_folder() / "prepare"
    previous, catalogue = read_previous(data_dir), read_catalogue(data_dir, p.items)
    with new_folder(events_dir) as folder:
        quarantine = Quarantine(folder / "quarantine")
        for name, bad in catalogue.bad.items():
            quarantine.add(bad, name)
        chunks = read_chunks(data_dir, p, cache_dir, quarantine)
        quarantine.check(p.max_quarantine_share, quarantine.rows + catalogue.rows)
        ids = (previous["item"], catalogue.items["id"])
        with new_generation(chunks, *ids, p, cache_dir) as generation:
            counts = write_events(generation, p, quarantine, folder)
            write_tables(generation, previous, catalogue, counts, folder)
        quarantine.write(folder / "quarantine.parquet")
        if (data_dir / PREVIOUS_PROFILE).is_file():
            shutil.copyfile(data_dir / PREVIOUS_PROFILE, folder / "previous_profile.json")
    write_json(metrics_path, counts.as_metrics(quarantine, catalogue, len(previous)))
    forget_unused(cache_dir / "chunks", chunks)


if __name__ == "__main__":
    run_stage(main)
