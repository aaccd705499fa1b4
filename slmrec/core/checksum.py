"""Checksums of what lies in the cache: a flipped bit loads, and would go on in silence.

BLAKE2b, which hashes a gigabyte in about a second. Nobody is expected to forge a cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from slmrec.core.errors import DataError
from slmrec.core.files import new_file

BYTES = 16  # of a checksum


class DamagedError(DataError):
    """A file of the cache is not what was written; `path` may be removed and made again."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged and is left out; it is made again")
        self.path = path


def checksum(data: bytes | memoryview) -> str:
    """Hex BLAKE2b of some bytes."""
    return hashlib.blake2b(data, digest_size=BYTES).hexdigest()


def file_checksum(path: Path) -> str:
    """Hex BLAKE2b of a file's bytes."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=BYTES))
    return digest.hexdigest()


def check_files(folder: Path, checksums: Mapping[str, str]) -> None:
    """Raise DamagedError at the first file of `folder` that is not what it was."""
    for name, expected in checksums.items():
        path = folder / name
        if not path.is_file() or file_checksum(path) != expected:
            raise DamagedError(path)


def checksum_of_parts(parts: Mapping[str, memoryview]) -> str:
    """Hex BLAKE2b over names and bytes, several parts at once."""
    names = sorted(parts)
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(lambda name: checksum(parts[name]), names))
    return checksum(json.dumps([names, digests]).encode())


def write_checked_json(path: Path, value: Any) -> None:
    """Write JSON with its checksum, as `read_checked_json` reads it."""
    text = json.dumps(json.loads(json.dumps(value, allow_nan=False)), sort_keys=True)
    with new_file(path) as temporary:
        temporary.write_text(f"{checksum(text.encode())}\n{text}\n")


def read_checked_json(path: Path) -> Any:
    """What `write_checked_json` wrote. Raises DamagedError when it is anything else."""
    try:
        expected, text, _end = path.read_bytes().decode().split("\n")
        if checksum(text.encode()) == expected:
            return json.loads(text)
    except ValueError:  # other lines, or no text at all
        pass
    raise DamagedError(path)
