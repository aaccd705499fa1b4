"""Raw logs become events, users, items and a quarantine table."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from slmrec.core.cache import cache_folder
from slmrec.core.files import new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.catalogue import PREVIOUS_PROFILE, read_catalogue, read_previous
from slmrec.preprocessing.events.chunk_store import Chunk, chunks_of
from slmrec.preprocessing.events.deliveries import ContentHashes, Delivered, in_groups
from slmrec.preprocessing.events.quarantine import Quarantine
from slmrec.preprocessing.events.snapshot import Generation, forget_unused, make_generation
from slmrec.preprocessing.events.writer import Facts, write_parts, write_tables
from slmrec.preprocessing.logs.log_files import find_files


def read_chunks(data: Path, p: PrepareParams, cache: Path, quarantine: Quarantine) -> list[Chunk]:
    """Parse what the cache does not hold; set aside what is no event and what was delivered twice as a whole file."""
    hashes = ContentHashes(cache / "hashes.json")
    delivered = [Delivered(file, hashes.of(file.path)) for file in find_files(data, p.events)]
    hashes.save(time.time_ns())
    first = {one.digest: one for one in reversed(delivered)}
    copies = [one for one in delivered if first[one.digest] is not one]
    chunks: list[Chunk] = []
    groups = in_groups([one for one in delivered if first[one.digest] is one])
    for group, found in zip(groups, chunks_of(groups, p, cache / "chunks"), strict=True):
        chunks += found
        for chunk in found:
            quarantine.add_chunk(chunk)
            for number, one in enumerate(group):
                for copy in copies:
                    if copy.digest == one.digest:
                        quarantine.add_copy(chunk, number, copy.file.name)
    return chunks


def main(data: Path, *, events: Path, metrics: Path) -> None:
    """Read the logs in `data`, write the tables to `events` and what was counted to `metrics`."""
    p = PrepareParams.read()
    cache = cache_folder() / "prepare"
    previous, catalogue = read_previous(data), read_catalogue(data, p.items)
    with new_folder(events) as folder:
        quarantine = Quarantine(folder / "parts")
        for name, bad in catalogue.bad.items():
            quarantine.add(bad, name)
        chunks = read_chunks(data, p, cache, quarantine)
        quarantine.check(p.max_quarantine_share, quarantine.rows + catalogue.rows)
        facts: list[Facts] = []

        def write(generation: Generation) -> None:
            facts.append(write_parts(generation, p, quarantine, folder))
            write_tables(generation, previous, catalogue, facts[0], folder)

        make_generation(chunks, previous["item"], catalogue.items["id"], p, cache, write)
        quarantine.write(folder / "quarantine.parquet")
        if (data / PREVIOUS_PROFILE).is_file():
            shutil.copyfile(data / PREVIOUS_PROFILE, folder / "previous_profile.json")
    write_json(metrics, facts[0].as_metrics(quarantine, catalogue, len(previous)))
    forget_unused(cache / "chunks", chunks)


if __name__ == "__main__":
    run_stage(main)
