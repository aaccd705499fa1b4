"""Raw files by content: which are new, which are copies, and in which groups they are parsed."""

from __future__ import annotations

import hashlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from slmrec.core.checksum import DamagedError, read_checked_json, write_checked_json
from slmrec.core.files import sha256_of
from slmrec.preprocessing.logs.log_files import LogFile

GROUP_BYTES = 8 << 20  # a group of small files is closed when it holds so much,
GROUP_FILES = 16  # or, on average, so many files
FRESH_NS = 2_000_000_000  # after a write, in which a second one could leave the same time


class ContentHashes:
    """Sha256 of files, so that an unchanged file is not read again.

    As in git, a file is unchanged while its size, times and inode are the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._previous: dict[str, list[object]] = _remembered(path)
        self._current: dict[str, list[object]] = {}

    def of(self, path: Path) -> str:
        """Hex sha256 of the file's bytes."""
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
        name = str(path.resolve())
        previous = self._previous.get(name)
        digest = str(previous[-1]) if previous and previous[:-1] == stamp else sha256_of(path)
        self._current[name] = [*stamp, digest]
        return digest

    def save(self, now_ns: int) -> None:
        """Write the hashes of this run, but for files that were written a moment ago."""
        settled = {
            name: entry
            for name, entry in self._current.items()
            if now_ns - int(str(entry[1])) > FRESH_NS
        }
        write_checked_json(self._path, settled)


def _remembered(path: Path) -> dict[str, list[object]]:
    if not path.is_file():
        return {}
    try:
        remembered: dict[str, list[object]] = read_checked_json(path)
    except DamagedError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return {}
    return remembered


@dataclass(frozen=True)
class Delivered:
    """A raw file and the sha256 of its bytes."""

    file: LogFile
    digest: str


Group = list[Delivered]


def hash_files(files: list[LogFile], hashes_path: Path) -> list[Delivered]:
    """The files with their hashes, which are remembered at `hashes_path`."""
    hashes = ContentHashes(hashes_path)
    deliveries = [Delivered(file, hashes.of(file.path)) for file in files]
    hashes.save(time.time_ns())
    return deliveries


def set_copies_apart(deliveries: list[Delivered]) -> tuple[list[Delivered], dict[str, list[str]]]:
    """The first file of each content, and the names of the other files by that content's hash."""
    originals: dict[str, Delivered] = {}
    copies: dict[str, list[str]] = {}
    for delivered in deliveries:
        if delivered.digest in originals:
            copies.setdefault(delivered.digest, []).append(delivered.file.name)
        else:
            originals[delivered.digest] = delivered
    return list(originals.values()), copies


def group_files(deliveries: list[Delivered]) -> list[Group]:
    """Files in order of name, small ones joined.

    Where a group ends depends on sizes and on each name's hash alone, so a file that slips in
    between changes the groups near it and no others.
    """
    groups: list[Group] = [[]]
    size = 0
    for delivered in deliveries:
        groups[-1].append(delivered)
        size += delivered.file.path.stat().st_size
        if size >= GROUP_BYTES or _ends_a_group(delivered.file.name):
            groups.append([])
            size = 0
    return [group for group in groups if group]


def _ends_a_group(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % GROUP_FILES == 0
