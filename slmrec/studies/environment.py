"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil

PACKAGES = ("slmrec", "torch", "transformers", "peft")  # whose versions a trained model hangs on


def machine(threads: int | None, *packages: str) -> dict[str, Any]:
    """Cores, memory in MiB, system and the versions of Python and `packages`; `threads` where they were fixed."""
    return {
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    } | ({} if threads is None else {"threads": threads})
