"""The project's locks: one writer for each stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from slmrec.core.cache import cache_folder
from slmrec.core.errors import BusyError


@contextmanager
def lock(name: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the project's lock `name`, released by the kernel however the process ends.

    While another process holds it: wait for it, or raise BusyError.
    """
    import fcntl

    path = cache_folder() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            if not wait:
                raise BusyError(
                    f"{name} is already running (process {holder}); wait for it or end it"
                ) from None
            print(f"waiting for {name} (process {holder})", flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
