"""The folder for what has to outlive every run and every clearing of caches."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """`SLMREC_STATE`, by default `.state` in the project's folder."""
    return Path(os.environ.get("SLMREC_STATE", ".state"))
