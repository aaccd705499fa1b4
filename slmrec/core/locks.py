"""The project's locks: one writer for each stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from slmrec.core.cache import cache_folder
from slmrec.core.errors import BusyError


@contextmanager
def lock(name: str, *, wait: bool = False, folder: Path | None = None) -> Iterator[None]:
    """Hold the project's lock `name`; its file holds the process id of the holder.

    It lies in `folder`, by default in the cache, where `slmrec doctor` looks for work in progress.

    While another process holds it: with `wait`, print which one and wait for it, otherwise raise
    BusyError.
    """
    path = (folder or cache_folder() / "locks") / f"{name}.lock"
    with _acquire(path, name, wait):
        path.write_text(str(os.getpid()))
        yield


def _acquire(path: Path, name: str, wait: bool) -> AcquireReturnProxy[FileLock]:
    # The kernel releases this lock however its process ends; a soft one would stay behind.
    file_lock = FileLock(path, fallback_to_soft=False)
    try:
        return file_lock.acquire(blocking=False)
    except Timeout:
        holder = path.read_text().strip() or "unknown"
    if not wait:
        raise BusyError(f"{name} is already running (process {holder}); wait for it or end it")
    print(f"waiting for {name} (process {holder})", flush=True)
    return file_lock.acquire()
