"""A run: what it is asked, what of it is done already, and what is left."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Literal

from slmrec import __version__
from slmrec.core.errors import UsageError
from slmrec.core.files import read_json, sha256_of, write_json
from slmrec.core.locks import lock
from slmrec.core.progress import Progress
from slmrec.core.scratch import remove_abandoned
from slmrec.runtime.bundle import MANIFEST, Bundle, read_bundle
from slmrec.runtime.onnx_runtime import load_onnxruntime
from slmrec.scoring.lists import Lists
from slmrec.scoring.part import USERS_AT_ONCE, Counts, read_counts
from slmrec.scoring.source import Source
from slmrec.scoring.vectors import Vectors
from slmrec.scoring.workers import Work, cores, write_parts

# Readers of Parquet folders pass over names that begin so.
SETTINGS, SUMMARY, LOCKS = "_settings.json", "_summary.json", "_locks"
WRITER = "score-or-embed"  # one lock for both: neither may write where the other does


@dataclass(frozen=True)
class Asked:
    """What a run is asked: where it reads and writes, and what decides its result."""

    bundle: Path
    histories: Path
    out: Path
    task: Lists | Vectors
    part_users: int
    device: Literal["cpu", "cuda"]


def run(asked: Asked, processes: int | None, on_ray: bool = False) -> Counts:
    """Answer all histories into asked.out; what is there already of the same run is kept.

    In so many processes of this machine, as many as cores if None; or, `on_ray`, in so many at a
    time of a Ray cluster, as many as its cores if None.

    Raises UsageError where the folder holds a run with other settings or something else, DataError
    for histories or parts that cannot be used, BusyError while another process writes there.
    """
    _check_part_users(asked.part_users)
    _check_folders(asked.histories, asked.out)
    source = Source.at(asked.histories)
    bundle = read_bundle(asked.bundle)
    task = asked.task.of_bundle(bundle)
    settings = _settings(asked, task, source, bundle)
    asked.out.mkdir(parents=True, exist_ok=True)
    with lock(WRITER, folder=_made(asked.out / LOCKS)):
        remove_abandoned([asked.out], asked.out)
        _begin_or_go_on(asked.out, settings)
        work = Work(
            bundle=bundle.folder,
            bundle_sha256=settings["bundle_sha256"],
            device=asked.device,
            task=task,
            out=asked.out.absolute(),  # on a cluster, other processes start in other folders
            made_with=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        )
        _write_missing(work, source, asked.part_users, processes, on_ray)
        counts = _counts(work, source, asked.part_users)
        write_json(asked.out / SUMMARY, asdict(counts))
    return counts


def _check_part_users(part_users: int) -> None:
    if part_users < 1 or part_users % USERS_AT_ONCE:
        raise UsageError(
            f"--part-users is {part_users:,}; give a multiple of {USERS_AT_ONCE:,}, so that the "
            "same users are run together however large a part is"
        )


def _check_folders(histories: Path, out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder for the result")
    if out.resolve().is_relative_to(histories.resolve()):
        raise UsageError(
            f"{out} lies in {histories}, whose files would be read; name a folder elsewhere"
        )


def _settings(
    asked: Asked, task: Lists | Vectors, source: Source, bundle: Bundle
) -> dict[str, Any]:
    """All that decides the bytes of a run."""
    return {
        "command": task.command,
        "bundle_sha256": sha256_of(bundle.folder / MANIFEST),
        "histories": source.facts(),
        **task.settings(),
        "part_users": asked.part_users,
        "device": asked.device,
        # Another version may give other last bits.
        "onnxruntime": load_onnxruntime().__version__,
        "slmrec": __version__,
    }


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _begin_or_go_on(out: Path, settings: Mapping[str, Any]) -> None:
    """Raise UsageError unless the folder is empty or holds a run of these settings."""
    if not (out / SETTINGS).exists():
        if others := sorted({entry.name for entry in out.iterdir()} - {LOCKS}):
            raise UsageError(
                f"{out} holds {others[0]!r} and no {SETTINGS}; name a new or an empty folder"
            )
        write_json(out / SETTINGS, settings)
    before = read_json(out / SETTINGS)
    for name, value in settings.items():
        if before.get(name) != value:
            raise UsageError(
                f"{out} holds a run with {name} {_shown(before.get(name))}, this one has "
                f"{_shown(value)}; give the same, or name another folder"
            )


def _shown(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _sizes(source: Source, part_users: int) -> dict[int, int]:
    """The users of each part."""
    starts = range(0, source.users, part_users)
    return {part: min(part_users, source.users - start) for part, start in enumerate(starts)}


def _write_missing(
    work: Work, source: Source, part_users: int, processes: int | None, on_ray: bool
) -> None:
    sizes = _sizes(source, part_users)
    missing = {part: users for part, users in sizes.items() if not work.part_file(part).exists()}
    if len(missing) < len(sizes):
        kept = len(sizes) - len(missing)
        print(
            f"{work.task.command}: {kept:,} of {len(sizes):,} parts are there already", flush=True
        )
    if not missing:
        return
    done, started = 0, time.monotonic()
    parts = source.parts(part_users, missing)
    if on_ray:
        from slmrec.scoring.ray_cluster import write_parts as write_parts_on_ray

        written = write_parts_on_ray(work, parts, processes)
    else:
        most = processes or (1 if work.device == "cuda" else cores())
        written = write_parts(work, parts, min(most, len(missing)))
    with Progress(work.task.command, sum(missing.values())) as progress:
        for users in written:
            done += users
            speed = done / max(time.monotonic() - started, 1e-9)
            progress.step(done, {"users a second": speed})


def _counts(work: Work, source: Source, part_users: int) -> Counts:
    """The counts of all parts. Raises DataError where one is missing rows, or is of another run."""
    sizes = _sizes(source, part_users)
    parts = (
        read_counts(work.part_file(part), users, work.made_with) for part, users in sizes.items()
    )
    return reduce(add, parts, Counts())
