"""What a cached result was made by: a change of code or of a library's version must never meet yesterday's cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

import numpy
import polars
import pyarrow


def made_by(*modules: ModuleType) -> str:
    """Hex sha256 of the modules' sources and of the versions of what reads, sorts and writes."""
    digest = hashlib.sha256(f"{polars.__version__} {numpy.__version__} {pyarrow.__version__}".encode())
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
