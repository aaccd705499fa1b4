"""Raw logs become events, users, items and a quarantine table."""

from __future__ import annotations

import time
from pathlib import Path

from slmrec.catalogue import read_catalogue, read_previous
from slmrec.chunks import Chunk, ContentHashes, chunks_of
from slmrec.door import cache_folder, open_door
from slmrec.files import new_folder, write_json
from slmrec.generation import Generation, forget_unused, make_generation
from slmrec.logs import find_files
from slmrec.outputs import Facts, write_months, write_tables
from slmrec.params import PrepareParams, read_section
from slmrec.quarantine import DUPLICATE, Quarantine


def read_chunks(data: Path, p: PrepareParams, cache: Path, quarantine: Quarantine) -> list[Chunk]:
    """Parse what the cache does not hold; set aside what is no event and what was delivered twice as a whole file."""
    hashes = ContentHashes(cache / "hashes.json")
    chunks: dict[str, list[Chunk]] = {}
    for file in find_files(data, p.events):
        found = chunks_of(file, hashes.of(file.path), p, cache / "chunks")
        twice = bool(found) and found[0].name in chunks
        for chunk in found:
            quarantine.note_chunk(chunk.name, file.name, chunk.rows)
            quarantine.add(chunk.bad(), file.name)
            if twice:
                quarantine.add_rows(chunk.row_numbers(), DUPLICATE, file.name)
        if found and not twice:
            chunks[found[0].name] = found
    hashes.save(time.time_ns())
    return [chunk for found in chunks.values() for chunk in found]


def main(data: Path, *, events: Path, metrics: Path) -> None:
    """Read the logs in `data`, write the tables to `events` and what was counted to `metrics`."""
    p = read_section("prepare", PrepareParams, Path("params.yaml"))
    cache = cache_folder() / "prepare"
    previous, catalogue = read_previous(data), read_catalogue(data, p.items)
    with new_folder(events) as folder:
        quarantine = Quarantine(folder / "parts")
        for name, bad in catalogue.bad.items():
            quarantine.add(bad, name)
        chunks = read_chunks(data, p, cache, quarantine)
        quarantine.check(p.max_quarantine_share)
        facts: list[Facts] = []

        def write(generation: Generation) -> None:
            facts.append(write_months(generation, p, quarantine, folder))
            write_tables(generation, previous, catalogue, facts[0], folder)

        make_generation(chunks, previous["item"], catalogue.items["id"], p, cache, write)
        quarantine.write(folder / "quarantine.parquet")
    write_json(metrics, facts[0].as_metrics(quarantine, catalogue, len(previous)))
    forget_unused(cache / "chunks", chunks)


if __name__ == "__main__":
    open_door(main)
