"""How much memory this process has taken at most."""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mib() -> float | None:
    """The most resident memory so far in MiB; None where the system does not tell."""
    if STATUS.is_file():
        # Of this program alone: getrusage would count the one that started it, too.
        kib = STATUS.read_text().partition("VmHWM:")[2].split()[:1]
        return int(kib[0]) / 2**10 if kib else None
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes there
    return None
