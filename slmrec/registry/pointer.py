"""Moving the pointer, and dropping versions that nobody needs: the only writers of a registry."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slmrec.core.errors import BundleError, BusyError, UsageError
from slmrec.core.files import sync
from slmrec.core.locks import lock
from slmrec.registry.store import Registry
from slmrec.registry.version import Version
from slmrec.runtime.follow import POINTER

LEFTOVER = re.compile(r"\..+\.\d+\.tmp")  # as core/files.py names what is not finished


@contextmanager
def only_publisher(registry: Registry) -> Iterator[None]:
    """Be the one who publishes. Raises BusyError while another process does.

    What a killed publisher left half-written is removed first.
    """
    with lock("publish", folder=registry.folder / ".locks"):
        _sweep(registry.folder)
        yield


def _sweep(folder: Path) -> None:
    for entry in folder.iterdir():
        # A link that is not in place yet may be a rollback's at this moment: it sees to them.
        if LEFTOVER.fullmatch(entry.name) and not entry.is_symlink():
            shutil.rmtree(entry)


def move_pointer(registry: Registry, version: Version, expected: Version | None) -> None:
    """Point to `version`; readers see the old one or the new one, never neither.

    Raises BusyError when the champion is no longer the `expected` one.
    """
    with lock("pointer", folder=registry.folder / ".locks", wait=True):
        champion = registry.current()
        if champion != expected:
            raise BusyError(
                f"the champion was {expected or 'none'} and is {champion or 'none'} by now: "
                "somebody moved the pointer meanwhile; run the command again"
            )
        _point_to(registry.folder, version)


def _point_to(folder: Path, version: Version) -> None:
    """Put a new link in the place of the old one; the caller holds the pointer's lock."""
    for left in folder.glob(f".{POINTER}.*.tmp"):  # by one who was killed
        left.unlink()
    temporary = folder / f".{POINTER}.{os.getpid()}.tmp"
    temporary.symlink_to(str(version))
    os.replace(temporary, folder / POINTER)
    sync(folder)


def roll_back(registry: Registry, to: str | None) -> tuple[Version | None, Version]:
    """Point to the version `to`, or where it is None to the one that the champion replaced.

    Returns the version before and the one that serves now. Its manifest is verified first. It waits
    for no publisher: one at work finds the champion changed and ends. Raises UsageError where there
    is no such version and BundleError where it is damaged.
    """
    if to is None:
        champion = registry.current()
        target = registry.before(champion) if champion else None
        if target is None:
            raise UsageError(
                f"{registry.folder} holds no version that {champion or 'a champion'} replaced; "
                "name one of slmrec versions"
            )
    else:
        champion, target = _champion_or_none(registry), registry.named(to)
    registry.read(target)
    with lock("pointer", folder=registry.folder / ".locks", wait=True):
        _point_to(registry.folder, target)
    return champion, target


def _champion_or_none(registry: Registry) -> Version | None:
    """The champion; None too where the pointer is broken, which a rollback mends."""
    try:
        return registry.current()
    except BundleError:
        return None


def drop_old(registry: Registry, keep: int) -> list[Version]:
    """Remove all but the `keep` newest versions, the champion and the one before it."""
    champion = registry.current()
    kept = {*registry.versions()[-keep:], champion}
    if champion is not None:
        kept.add(registry.before(champion))
    dropped = [version for version in registry.versions() if version not in kept]
    for version in dropped:
        # Renamed first: whoever lists the versions sees a whole one or none.
        gone = registry.folder / f".{version}.{os.getpid()}.tmp"
        os.replace(registry.folder_of(version), gone)
        shutil.rmtree(gone)
    return dropped
