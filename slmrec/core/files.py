"""Files that are complete or absent, never half-written: temporary name, fsync, rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slmrec.core.errors import DataError, UsageError
from slmrec.core.scratch import scratch_folder

SYNCED_AT_ONCE = 8  # files


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it is synced and renamed to `path`, on error removed."""
    with scratch_folder(path) as folder:
        temporary = folder / path.name
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces `path`, on error it is removed."""
    with scratch_folder(path) as temporary:
        yield temporary
        _sync_all([*temporary.rglob("*"), temporary])
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_all(paths: list[Path]) -> None:
    # Syncing several files at once takes a disk hardly longer than one.
    with ThreadPoolExecutor(SYNCED_AT_ONCE) as pool:
        list(pool.map(sync, paths))


def write_json(path: Path, value: Any) -> None:
    """Write sorted, indented JSON. Raises ValueError on NaN or infinity: neither is JSON."""
    with new_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises UsageError when it is missing and DataError when it is malformed."""
    if not path.is_file():
        raise UsageError(f"{path} is missing; run the stage that writes it (dvc repro)")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}); delete it and run dvc repro") from error


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_folder(path: Path, pattern: str) -> str:
    """Hex sha256 over relative names and bytes of the files below `path` whose names match."""
    digest = hashlib.sha256()
    for file in sorted(entry for entry in path.rglob(pattern) if entry.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
    return digest.hexdigest()
