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
from slmrec.runtime.bundle import ITEMS, MANIFEST, read_bundle
from slmrec.runtime.items import items_from_jsonl
from slmrec.runtime.onnx_runtime import load_onnxruntime
from slmrec.runtime.requests import check_k
from slmrec.scoring.part import USERS_AT_ONCE, Counts, read_counts
from slmrec.scoring.source import Source
from slmrec.scoring.workers import Work, score_parts

# Readers of Parquet folders pass over names that begin so.
SETTINGS, SUMMARY, LOCKS = "_settings.json", "_summary.json", "_locks"


@dataclass(frozen=True)
class Asked:
    """What a run is asked: where it reads and writes, and what decides its result."""

    bundle: Path
    histories: Path
    out: Path
    k: int
    exclude_seen: bool | None  # None for what the contract says
    part_users: int
    device: Literal["cpu", "cuda"]


def run(asked: Asked, processes: int) -> Counts:
    """Score all histories into asked.out; what is there already of the same run is kept.

    Raises UsageError where the folder holds a run with other settings or something else, DataError
    for histories or parts that cannot be used, BusyError while another process writes there.
    """
    _check_part_users(asked.part_users)
    _check_folders(asked.histories, asked.out)
    source = Source.at(asked.histories)
    bundle_sha256, settings, folder = _settings(asked, source)
    asked.out.mkdir(parents=True, exist_ok=True)
    with lock("score", folder=_made(asked.out / LOCKS)):
        remove_abandoned([asked.out], asked.out)
        _begin_or_go_on(asked.out, settings)
        work = Work(
            bundle=folder,
            bundle_sha256=bundle_sha256,
            device=asked.device,
            k=asked.k,
            exclude_seen=settings["exclude_seen"],
            out=asked.out,
            made_with=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        )
        _score_missing(work, source, asked.part_users, processes)
        counts = _counts(work, source, asked.part_users)
        write_json(asked.out / SUMMARY, asdict(counts))
    return counts


def _check_part_users(part_users: int) -> None:
    if part_users < 1 or part_users % USERS_AT_ONCE:
        raise UsageError(
            f"--part-users is {part_users:,}; give a multiple of {USERS_AT_ONCE:,}, so that the "
            "same users are scored together however large a part is"
        )


def _check_folders(histories: Path, out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder for the lists")
    if out.resolve().is_relative_to(histories.resolve()):
        raise UsageError(
            f"{out} lies in {histories}, whose files would be read; name a folder elsewhere"
        )


def _settings(asked: Asked, source: Source) -> tuple[str, dict[str, Any], Path]:
    """The manifest's hash, all that decides the bytes of a run, and the bundle's real folder."""
    bundle = read_bundle(asked.bundle)
    check_k(asked.k, items_from_jsonl(bundle.files[ITEMS]).candidates)
    seen = bundle.contract["exclude_seen"] if asked.exclude_seen is None else asked.exclude_seen
    bundle_sha256 = sha256_of(bundle.folder / MANIFEST)
    settings = {
        "bundle_sha256": bundle_sha256,
        "histories": source.facts(),
        "k": asked.k,
        "exclude_seen": seen,
        "part_users": asked.part_users,
        "device": asked.device,
        # Another version may give other last bits.
        "onnxruntime": load_onnxruntime().__version__,
        "slmrec": __version__,
    }
    return bundle_sha256, settings, bundle.folder


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


def _score_missing(work: Work, source: Source, part_users: int, processes: int) -> None:
    sizes = _sizes(source, part_users)
    missing = {part: users for part, users in sizes.items() if not work.part_file(part).exists()}
    if len(missing) < len(sizes):
        kept = len(sizes) - len(missing)
        print(f"score: {kept:,} of {len(sizes):,} parts are there already", flush=True)
    done, started = 0, time.monotonic()
    needed = min(processes, max(1, len(missing)))
    with Progress("score", sum(missing.values())) as progress:
        for users in score_parts(work, source.parts(part_users, missing), needed):
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
