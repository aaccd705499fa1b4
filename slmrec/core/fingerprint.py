"""What a cached result was made from: a change of input, setting, code or library must never meet yesterday's cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy
import polars
import pyarrow

from slmrec.core.files import sha256_of, sha256_of_folder

CODE = Path(__file__).resolve().parents[1]  # all of slmrec, not the room this file lies in


def key_of(inputs: Iterable[Path], *settings: Any) -> str:
    """Hash of input files or folders, of the settings and of all of slmrec's code: what a checkpoint is good for."""
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(_hash(path).encode())
    digest.update(sha256_of_folder(CODE, "*.py").encode())
    digest.update(
        json.dumps(settings, sort_keys=True, default=lambda section: section.model_dump()).encode()
    )
    return digest.hexdigest()[:32]


def made_by(*rooms: str) -> str:
    """Hex sha256 of the sources in rooms of slmrec ("preprocessing/logs") and of the versions of what reads, sorts and writes."""
    digest = hashlib.sha256(
        f"{polars.__version__} {numpy.__version__} {pyarrow.__version__}".encode()
    )
    for room in rooms:
        digest.update(sha256_of_folder(CODE / room, "*.py").encode())
    return digest.hexdigest()


def _hash(path: Path) -> str:
    return sha256_of_folder(path, "*") if path.is_dir() else sha256_of(path)
