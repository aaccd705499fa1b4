"""What a figure was measured with: the machine, the versions and the settings."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil

from slmrec.params.compute import ComputeParams
from slmrec.params.section import TopSection

PACKAGES = ("slmrec", "torch", "transformers", "peft")  # whose versions a trained model depends on


def machine(threads: int | None, *packages: str) -> dict[str, Any]:
    """Cores, memory in MiB, system, versions of Python and `packages`, and `threads` where set."""
    facts = {
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }
    return facts if threads is None else facts | {"threads": threads}


def study_context(compute: ComputeParams, *sections: TopSection) -> dict[str, Any]:
    """What a study's report says besides its results: all settings by section, and the machine."""
    settings = {section.KEY: section.model_dump() for section in (compute, *sections)}
    return {"settings": settings, "made_with": machine(compute.threads, *PACKAGES)}
