"""Damage as a disk does it: one bit, with size and times as they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def flip_one_bit(path: Path, place: int | None = None) -> None:
    """Flip the lowest bit of a byte, by default of the one in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1
    status = path.stat()
    with path.open("r+b") as stream:  # in place: the same file, for all its names
        stream.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip_each_byte(path: Path) -> Iterator[int]:
    """Yield with one byte of the file damaged after the other; whole again in the end."""
    for place in range(path.stat().st_size):
        flip_one_bit(path, place)
        yield place
        flip_one_bit(path, place)
