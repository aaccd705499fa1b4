"""Somebody who reads the champion of a registry all the while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from slmrec.core.errors import BundleError
from slmrec.registry.store import Registry


@dataclass
class Readings:
    """What somebody saw who read the champion all the while."""

    whole: int = 0
    torn: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)


@contextmanager
def reading(registry: Registry) -> Iterator[Readings]:
    """Read the champion, every file against its manifest, again and again during the block."""
    seen, stop = Readings(), threading.Event()

    def read() -> None:
        while not stop.wait(0.05):
            try:
                version = registry.current()
                assert version is not None, "nothing is published"
                registry.read(version)
                seen.whole += 1
                seen.versions.add(str(version))
            except (AssertionError, BundleError, OSError) as error:
                seen.torn.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        stop.set()
        reader.join()
