"""Where work lies that outlives a stage run."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where work that outlives a stage run lies: `SLMREC_CACHE`, by default `.cache` in the project."""
    return Path(os.environ.get("SLMREC_CACHE", ".cache"))
