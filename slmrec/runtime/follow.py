"""A recommender that goes over to each version as it is published, without losing a call.

recommender = Recommender.follow(Path(".state/registry"), device="cpu", threads=1, every=10)
lists = recommender.recommend([["50", "181"]], k=10)

A registry is a folder of versions with a symbolic link, `current`, to the one in use. The link is
replaced, never changed, so that reading it gives one version or another, whole in either case.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slmrec.core.errors import BundleError, SlmrecError
from slmrec.runtime.answers import Recommendations
from slmrec.runtime.recommender import Device, Recommender

POINTER = "current"  # of a registry, to the folder of a version
BUNDLE = "bundle"  # in the folder of a version
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A version and its recommender."""

    version: str
    recommender: Recommender


def current_version(registry: Path) -> str:
    """The version that `registry` points to. Raises BundleError where nothing is published."""
    try:
        return str((registry / POINTER).readlink())
    except OSError as error:
        raise BundleError(
            f"{registry / POINTER} names no version ({error.strerror}); "
            "run slmrec publish, or name the registry's folder"
        ) from error


def current_bundle(registry: Path) -> Path:
    """The bundle of the version that `registry` points to.

    Whoever reads more than one file has to resolve the link once, as here: files read through
    `current/` one after another may be of two versions.
    """
    return registry / current_version(registry) / BUNDLE


class FollowingRecommender:
    """Answers from the version in use. Threads may share it.

    A call never waits for a version to load: one call in `every` seconds looks at the pointer, and
    where that moved, a thread loads the new version beside the old one, which answers meanwhile. A
    version that does not load is logged, once, and the old one stays.
    """

    def __init__(self, registry: Path, device: Device, threads: int | None, every: float) -> None:
        """Load the version in use. Raises what Recommender raises, or BundleError without one."""
        self.registry = registry
        self._device, self._threads, self._every = device, threads, every
        self._loading = threading.Lock()
        self._refused: str | None = None  # the version that did not load
        self._looked_at = time.monotonic()
        self._loaded = self._load_first()

    @property
    def version(self) -> str:
        """The version that answers now."""
        return self._loaded.version

    @property
    def recommender(self) -> Recommender:
        """The recommender that answers now; it stays whole when another takes its place."""
        return self.loaded.recommender

    @property
    def loaded(self) -> Loaded:
        """The version that answers now with its recommender: both of one moment."""
        self._look_from_time_to_time()
        return self._loaded

    def recommend(
        self,
        histories: Iterable[Iterable[str]],
        k: int,
        exclude_seen: bool | None = None,
        exclude: Iterable[Iterable[str]] | None = None,
        unknown: Literal["refuse", "warn", "ignore"] = "refuse",
    ) -> Recommendations:
        """As `Recommender.recommend`, by the version in use; a call is answered by one version."""
        return self.recommender.recommend(histories, k, exclude_seen, exclude, unknown)

    def refresh(self) -> str:
        """Look at the pointer now and load what it names; returns the version that answers."""
        with self._loading:
            self._follow()
        return self.version

    def _look_from_time_to_time(self) -> None:
        if time.monotonic() - self._looked_at < self._every:
            return
        if self._loading.acquire(blocking=False):  # another call is at it otherwise
            try:
                self._looked_at = time.monotonic()
                moved = self._has_moved()
            finally:
                self._loading.release()
            if moved:
                threading.Thread(target=self.refresh, name="slmrec-follow", daemon=True).start()

    def _has_moved(self) -> bool:
        try:
            return current_version(self.registry) not in (self.version, self._refused)
        except BundleError as error:
            LOG.warning("%s; %s stays in use", error, self.version)
            return False

    def _follow(self) -> None:
        while self._has_moved():
            version = current_version(self.registry)
            try:
                self._loaded = self._load(version)
                self._refused = None
            except (SlmrecError, OSError) as error:
                # Between looking and reading it may have been replaced, and dropped.
                if current_version(self.registry) == version:
                    self._refused = version
                    LOG.error("version %s is refused, %s stays: %s", version, self.version, error)

    def _load_first(self) -> Loaded:
        version = current_version(self.registry)
        try:
            return self._load(version)
        except (SlmrecError, OSError):
            if current_version(self.registry) == version:
                raise
            return self._load_first()

    def _load(self, version: str) -> Loaded:
        folder = self.registry / version / BUNDLE
        return Loaded(version, Recommender.load(folder, self._device, self._threads))
