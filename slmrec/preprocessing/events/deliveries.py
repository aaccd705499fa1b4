"""Raw files by content: which are new, and in which groups they are parsed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from slmrec.core.files import read_json, sha256_of, write_json
from slmrec.preprocessing.logs.log_files import LogFile

GROUP_BYTES = 8 << 20  # a group of small files is closed when it holds so much,
GROUP_FILES = 16  # or, on average, so many files


class ContentHashes:
    """Sha256 of files, remembered by size, time and inode as git does, so that an unchanged file is not read again."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known: dict[str, list[object]] = read_json(memory) if memory.is_file() else {}
        self._seen: dict[str, list[object]] = {}

    def of(self, path: Path) -> str:
        """Hex sha256 of the file's bytes."""
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
        name = str(path.resolve())
        known = self._known.get(name)
        digest = str(known[-1]) if known and known[:-1] == stamp else sha256_of(path)
        self._seen[name] = [*stamp, digest]
        return digest

    def save(self, now_ns: int) -> None:
        """Remember what was seen, but for files so fresh that a second write could leave the same stamp."""
        write_json(
            self._memory,
            {
                name: entry
                for name, entry in self._seen.items()
                if now_ns - int(str(entry[1])) > 2_000_000_000
            },
        )


@dataclass(frozen=True)
class Delivered:
    """A raw file and the sha256 of its bytes."""

    file: LogFile
    digest: str


def in_groups(delivered: list[Delivered]) -> list[list[Delivered]]:
    """Files in name order, small ones together.

    Where a group ends depends on sizes and on each name's hash, so that after a file that slipped
    in between the groups are soon the old ones again.
    """
    groups: list[list[Delivered]] = [[]]
    size = 0
    for one in delivered:
        groups[-1].append(one)
        size += one.file.path.stat().st_size
        if (
            size >= GROUP_BYTES
            or hashlib.sha256(one.file.name.encode()).digest()[0] % GROUP_FILES == 0
        ):
            groups.append([])
            size = 0
    return [group for group in groups if group]


Group = list[Delivered]
