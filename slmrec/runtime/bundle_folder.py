"""The folder of a bundle, which links may lead to, and its files, read once and bounded.

Links are how some stores lay out a folder, and are followed there: to the folder itself (a pointer
to a version), within the folder (Kubernetes' `..data`), and from `snapshots/REVISION` into `blobs`
beside it (Hugging Face's cache). A link to anywhere else is refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from slmrec.core.errors import BundleError, UsageError

ADVICE = "fetch the bundle again or run dvc repro"
# Kubernetes mounts a folder whose files are links into `..data`, itself a link that it moves.
KUBERNETES_DATA = "..data"
# What stores add of their own to a folder of files; nothing reads it.
FROM_STORES = {".gitattributes", ".cache"}
LARGEST_FILE = 2**32  # bytes; a graph has at most half of that
LARGEST_TEXT = 2**24  # of files that say what is in the others


def bundle_path(bundle: Any) -> Path:
    """The path of a bundle, given as text or as a path. Raises UsageError for anything else."""
    if not isinstance(bundle, str | os.PathLike) or not str(bundle) or "\0" in str(bundle):
        raise UsageError(
            f"the bundle is {bundle!r} ({type(bundle).__name__}); give the path of its folder"
        )
    return Path(bundle)


def real_folder(folder: Path) -> Path:
    """Where `folder` lies, every link on the way followed once: a pointer may move meanwhile."""
    real = Path(os.path.realpath(folder))
    data = real / KUBERNETES_DATA
    return Path(os.path.realpath(data)) if data.is_dir() else real


def file_names(folder: Path) -> set[str]:
    """The names of what lies in the folder, apart from what stores add of their own."""
    try:
        return {entry.name for entry in folder.iterdir()} - FROM_STORES
    except OSError as error:
        raise BundleError(f"{folder} cannot be read ({error.strerror}); {ADVICE}") from error


def read_file(path: Path, largest: int) -> bytes:
    """The bytes of a file of the folder `path.parent`, a real one.

    Raises what `opened` does.
    """
    with opened(path, largest) as stream:
        return stream.read(largest + 1)


def sha256_of_file(path: Path, largest: int) -> str:
    """Hex sha256 of such a file, read piece by piece. Raises what `opened` does."""
    with opened(path, largest) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def opened(path: Path, largest: int) -> Iterator[BufferedReader]:
    """A file of the folder `path.parent`, a real one, open for reading.

    Raises BundleError where it is a link to outside, no plain file, longer than `largest` bytes, or
    cannot be read.
    """
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(root) for root in _roots(path.parent)):
        raise BundleError(
            f"{path} is a link to outside of its folder, {real}; copy the file itself, or {ADVICE}"
        )
    if not real.is_file():
        raise BundleError(f"{path} is no plain file; {ADVICE}")
    try:
        # Opening refuses a link, so that none can take the file's place since the check above.
        handle = os.open(real, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as stream:
            _check_status(path, os.fstat(handle), largest)
            yield stream
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); check its permissions, or {ADVICE}"
        ) from error


def _roots(folder: Path) -> list[Path]:
    """The folders that files of a bundle may lie in."""
    for parent in folder.parents:
        blobs = parent.parent / "blobs"
        if parent.name == "snapshots" and blobs.is_dir() and not blobs.is_symlink():
            return [folder, blobs]
    return [folder]


def _check_status(path: Path, status: os.stat_result, largest: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BundleError(f"{path} is no plain file; {ADVICE}")
    if status.st_size > largest:
        raise BundleError(
            f"{path} has {status.st_size:,} bytes, at most {largest:,} are read; {ADVICE}"
        )
