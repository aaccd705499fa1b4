"""The registry on disk, as its readers see it: one folder a version, and the pointer.

REGISTRY/current -> 1.4.0
REGISTRY/1.4.0/    bundle/  student/  teacher/  metrics/  recorded.jsonl
                   verdict.json  verdict.html  record.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmrec.core.errors import BundleError, UsageError
from slmrec.core.files import read_json
from slmrec.core.state import state_folder
from slmrec.registry.version import Version
from slmrec.runtime.bundle import METRICS, Bundle, read_bundle
from slmrec.runtime.follow import BUNDLE, POINTER

RECORD = "record.json"  # what a version was made from, and which one it replaced
TRIAL = "trial.json"  # the verdict before it was trained again, where it was
VERDICT = "verdict.json"
VERDICT_PAGE = "verdict.html"


def at(folder: Path | None) -> Registry:
    """The registry in `folder`, or in the state folder where it is None."""
    return Registry(state_folder() / "registry" if folder is None else folder)


class Registry:
    """The published versions in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[Version]:
        """Every version, in order of its number."""
        names = [entry.name for entry in self.folder.iterdir()] if self.folder.is_dir() else []
        parsed = (Version.parse(name) for name in names)
        return sorted(version for version in parsed if version is not None)

    def current(self) -> Version | None:
        """The champion; None where nothing is published.

        Raises BundleError when the pointer names no version that is there.
        """
        pointer = self.folder / POINTER
        if not pointer.is_symlink():
            return None
        target = pointer.readlink()
        version = Version.parse(str(target))
        if version is None or version not in self.versions():
            raise BundleError(
                f"{pointer} points to {target}, which is no version of this registry; "
                "slmrec rollback VERSION points it to one that is"
            )
        return version

    def folder_of(self, version: Version) -> Path:
        """The folder of a version."""
        return self.folder / str(version)

    def bundle_dir(self, version: Version) -> Path:
        """The folder of a version's bundle."""
        return self.folder_of(version) / BUNDLE

    def read(self, version: Version) -> Bundle:
        """A version's bundle, verified against its manifest."""
        return read_bundle(self.bundle_dir(version))

    def record(self, version: Version) -> dict[str, Any]:
        """What a version was made from."""
        return dict(read_json(self.folder_of(version) / RECORD))

    def metrics(self, version: Version) -> dict[str, Any]:
        """What was measured when a version's bundle was made."""
        return dict(read_json(self.bundle_dir(version) / METRICS))

    def before(self, version: Version) -> Version | None:
        """The version that this one replaced as champion, if that is still there."""
        replaced = self.record(version)["replaces"]
        parsed = Version.parse(replaced) if replaced else None
        return parsed if parsed in self.versions() else None

    def named(self, text: str) -> Version:
        """The version of a text: its number, or `current`.

        Raises UsageError where the registry has no such version.
        """
        version = self.current() if text == POINTER else Version.parse(text)
        if version is None or version not in self.versions():
            there = ", ".join(map(str, self.versions())) or "none"
            raise UsageError(f"{self.folder} has no version {text}; it has {there}")
        return version

    def bundle_of(self, name: str) -> Path:
        """The bundle of a version, of `current`, or at a path. Raises UsageError for neither."""
        return Path(name) if Path(name).is_dir() else self.bundle_dir(self.named(name))
