"""What a cached result was made from, as a hash: input, settings, code and library versions.

A change of any of them gives another key, so that no run reads a result of the state before.
"""

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

CODE = Path(__file__).resolve().parents[1]  # all of slmrec, not only the folder of this file


def key_of(inputs: Iterable[Path], *settings: Any) -> str:
    """Key of a checkpoint: a hash of input files and folders, settings and all code of slmrec."""
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(_hash(path).encode())
    digest.update(sha256_of_folder(CODE, "*.py").encode())
    digest.update(
        json.dumps(settings, sort_keys=True, default=lambda section: section.model_dump()).encode()
    )
    return digest.hexdigest()[:32]


def made_by(*rooms: str) -> str:
    """Hash of the code in folders of slmrec ("preprocessing/logs") and of the table libraries."""
    digest = hashlib.sha256(
        f"{polars.__version__} {numpy.__version__} {pyarrow.__version__}".encode()
    )
    for room in rooms:
        digest.update(sha256_of_folder(CODE / room, "*.py").encode())
    return digest.hexdigest()


def _hash(path: Path) -> str:
    return sha256_of_folder(path, "*") if path.is_dir() else sha256_of(path)
