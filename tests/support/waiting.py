"""Waiting for something that another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

LONGEST = 600  # seconds: far more than a busy machine needs, so that only a hang ends in a failure


def wait_until(condition: Callable[[], object], every: float = 0.05) -> None:
    """Return as soon as `condition` holds, asked anew `every` so many seconds.

    An assertion in `condition` ends the waiting at once.
    """
    last = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < last, f"still not so after {LONGEST} seconds"
        time.sleep(every)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or dead and not yet collected, as orphans are in a container."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
