"""The folder for work that outlives a stage run: DVC deletes a stage's outs before it runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`SLMREC_CACHE`, by default `.cache` in the project's folder."""
    return Path(os.environ.get("SLMREC_CACHE", ".cache"))
