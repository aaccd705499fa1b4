"""A disk that is full or may not be written, as one line that says what to do."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from slmrec.core.errors import UnavailableError
from slmrec.core.scratch import scratch_folder

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
# Libraries in Rust and C give the operating system's number or words in the text alone.
_NUMBER = re.compile(r"\(os error (\d+)\)")
_WORDS = {os.strerror(number): number for number in FULL | {errno.EROFS}}
PROBE = bytes(1 << 20)


def check_writable(folder: Path) -> None:
    """Raise UnavailableError where a file of a megabyte cannot be written in `folder`."""
    try:
        with (
            scratch_folder(folder / "probe") as scratch,
            (scratch / "probe").open("wb") as stream,
        ):
            stream.write(PROBE)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise disk_fault(error, folder) or error from error


def free_gigabytes(folder: Path) -> float:
    """What is free on the folder's disk."""
    return shutil.disk_usage(folder).free / 1e9


def disk_fault(error: BaseException, folder: Path | None = None) -> UnavailableError | None:
    """What to do about `error` where the disk is its cause, else None.

    `folder` is where it was seen; without it, what the error names.
    """
    for cause in _causes(error):
        number = _number(cause)
        named = folder.absolute() if folder else getattr(cause, "filename", None)
        if number in FULL:
            where = f" at {named}" if named else ""
            return UnavailableError(
                f"no space left to write{where} ({os.strerror(number)}); free some, for example "
                "with dvc gc --workspace, and run it again"
            )
        if number in CLOSED:
            return UnavailableError(
                f"{named or 'the disk'} may not be read or written ({os.strerror(number)}); "
                "the project's folder has to be writable: change its rights, or work on a copy"
            )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    if match := _NUMBER.search(text):
        return int(match[1])
    return next((number for words, number in _WORDS.items() if words in text), None)
