"""A landing folder, wherever fsspec reads: which of its files are complete, new and stable."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from slmrec.core.errors import UnavailableError, UsageError

BLOCK = 1 << 20  # bytes copied at once
INDEX = "index"  # data/index is the item index and the drift profile, which are no logs
# Of writers at work: browsers, rsync, sftp, Hadoop; hidden files are theirs, too.
TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", "._COPYING_", "~")
TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")  # as file systems name it


@dataclass(frozen=True)
class Landed:
    """A file as a look at the landing folder shows it; equal as long as nobody writes to it."""

    name: str  # below the landing folder
    size: int  # bytes
    modified: datetime | None  # UTC; None where the file system does not tell


class Landing:
    """The landing folder at a path or URL; it is only read."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (
            ImportError,
            ValueError,
        ) as error:  # of a protocol that is not installed, or unknown
            raise UnavailableError(f"the landing folder {url} cannot be read: {error}") from error
        self._root: str = root.rstrip("/")

    def look(self) -> dict[str, Landed]:
        """What lies there now, by name. Raises UsageError where there is no such folder."""
        try:
            self._fs.invalidate_cache()
            if not self._fs.isdir(self._root):
                raise UsageError(f"there is no landing folder {self.url}; make it, or name another")
            found: dict[str, Any] = self._fs.find(self._root, detail=True)
        except OSError as error:
            raise self._unreadable(error) from error
        files = [self._landed(path, info) for path, info in found.items()]
        return {file.name: file for file in sorted(files, key=lambda file: file.name)}

    def _landed(self, path: str, info: Mapping[str, Any]) -> Landed:
        name = path.removeprefix(self._root).lstrip("/")
        return Landed(name, int(info["size"] or 0), _modified(info))

    def fetch(self, file: Landed, target: Path) -> str:
        """Copy a file to a new path; returns the MD5 of its bytes, by which DVC knows contents."""
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with (
                self._fs.open(f"{self._root}/{file.name}", "rb") as source,
                target.open("wb") as to,
            ):
                while block := source.read(BLOCK):
                    digest.update(block)
                    to.write(block)
        except FileNotFoundError as error:
            raise self._unreadable(error) from error
        return digest.hexdigest()

    def _unreadable(self, error: OSError) -> UnavailableError:
        why = " ".join(str(error).split())
        return UnavailableError(f"the landing folder {self.url} cannot be read: {why}; try again")


def _modified(info: Mapping[str, Any]) -> datetime | None:
    for key in TIMES:
        value = info.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def is_temporary(file: Landed) -> bool:
    """Whether it is not complete: by its name, by that of a folder it lies in, or without bytes."""
    parts = PurePosixPath(file.name).parts
    hidden = any(part.startswith((".", "_temporary", "~")) for part in parts)
    return hidden or file.name.endswith(TEMPORARY) or file.size == 0


def had_arrived(file: Landed, day: date) -> bool:
    """Whether it lay there, as it is, at the end of that day, UTC: it was last changed before."""
    if file.modified is None:
        raise UsageError(f"it is not known when {file.name} arrived; leave the date out")
    return file.modified < end_of(day)


def end_of(day: date) -> datetime:
    """The first moment of the next day, UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def read_by_prepare(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """The names that a glob of params.yaml would find below data/, as files of logs."""
    wanted = {name for name in names if PurePosixPath(name).parts[0] != INDEX}
    return matching(wanted, patterns)


def matching(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """The names that match one of the globs, by the very rule by which files are found."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
        return {path.relative_to(root).as_posix() for path in found}
