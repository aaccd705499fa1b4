"""Temporary folders that belong to a living process, and the removal of those that do not.

A folder is locked while its owner lives, and the kernel releases the lock however that ends:
process ids are used again, and mean nothing in another container.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# .NAME.PID.RANDOM.tmp; .NAME.PID.tmp before there were locks
_NAME = re.compile(r"\..+\.\d+(\.[0-9a-f]{8})?\.tmp")


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that goes with the block, unless it has been moved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder, handle = _make_locked(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _make_locked(path: Path) -> tuple[Path, int]:
    while True:
        unique = f"{os.getpid()}.{secrets.token_hex(4)}"
        folder = path.with_name(f".{path.name}.{unique}.tmp")
        folder.mkdir()
        with suppress(FileNotFoundError):  # removed as abandoned before it was locked: once more
            handle = os.open(folder, os.O_RDONLY)
            with suppress(OSError):  # where a disk knows no locks, nothing is ever removed either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)


def remove_abandoned(folders: Iterable[Path], cache_dir: Path) -> list[Path]:
    """Remove what killed processes left in the `folders`, and anywhere below `cache_dir`.

    What a living process is writing stays. Returns what was removed.
    """
    below = [Path(name) for name, _, _ in os.walk(cache_dir)]
    return [
        entry
        for folder in dict.fromkeys([*folders, *below])
        for entry in _temporaries(folder)
        if _remove_if_abandoned(entry)
    ]


def _temporaries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    return []


def _remove_if_abandoned(entry: Path) -> bool:
    with suppress(OSError):  # its owner lives, or it is gone already
        handle = os.open(entry, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            return True
        finally:
            os.close(handle)
    return False
