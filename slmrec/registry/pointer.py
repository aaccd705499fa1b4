"""Moving the pointer, and dropping versions that nobody needs: the only writers of a registry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slmrec.core.errors import BundleError, BusyError, UsageError
from slmrec.core.files import new_file, sync
from slmrec.core.locks import lock
from slmrec.core.scratch import remove_abandoned
from slmrec.registry.store import Registry
from slmrec.registry.version import Version
from slmrec.runtime.follow import POINTER

LOCKS = ".locks"
UNFINISHED = ".unfinished"  # names the version that is put in its place, until it serves


@contextmanager
def only_publisher(registry: Registry) -> Iterator[None]:
    """Be the one who publishes. Raises BusyError while another process does.

    What a killed publisher left half-written is removed first.
    """
    with lock("publish", folder=registry.folder / LOCKS):
        remove_abandoned([registry.folder], registry.folder / LOCKS)
        _sweep_unfinished(registry)
        yield


@contextmanager
def unfinished(registry: Registry, version: Version) -> Iterator[None]:
    """Note that `version` is on its way, until the block ends.

    Where its publisher is killed, the note tells a version that never served from one that was
    rolled back: the next publisher removes it, and its number is free again.
    """
    with new_file(registry.folder / UNFINISHED) as temporary:
        temporary.write_text(str(version))
    try:
        yield
    finally:
        (registry.folder / UNFINISHED).unlink(missing_ok=True)


def _sweep_unfinished(registry: Registry) -> None:
    with lock("pointer", folder=registry.folder / LOCKS, wait=True):
        noted = _noted(registry)
        known = noted is not None and noted in registry.versions()
        if noted is not None and known and noted != _champion_or_none(registry):
            _remove(registry, noted)
        (registry.folder / UNFINISHED).unlink(missing_ok=True)


def _noted(registry: Registry) -> Version | None:
    note = registry.folder / UNFINISHED
    return Version.parse(note.read_text()) if note.is_file() else None


def move_pointer(registry: Registry, version: Version, expected: Version | None) -> None:
    """Point to `version`; readers see the old one or the new one, never neither.

    Raises BusyError when the champion is no longer the `expected` one.
    """
    with lock("pointer", folder=registry.folder / LOCKS, wait=True):
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
    with lock("pointer", folder=registry.folder / LOCKS, wait=True):
        if champion is not None and champion == _noted(registry):
            (registry.folder / UNFINISHED).unlink()  # it served: its publisher was killed later
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
        _remove(registry, version)
    return dropped


def _remove(registry: Registry, version: Version) -> None:
    # Renamed first: whoever lists the versions sees a whole one or none.
    gone = registry.folder / f".{version}.{os.getpid()}.tmp"
    os.replace(registry.folder_of(version), gone)
    shutil.rmtree(gone)
