"""The published versions as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from slmrec.core.files import read_json
from slmrec.registry.store import VERDICT, Registry
from slmrec.registry.version import Version


def version_lines(registry: Registry) -> Iterator[str]:
    """A line each, the newest first; * marks the champion."""
    champion = registry.current()
    if not registry.versions():
        yield f"{registry.folder} holds no version yet; slmrec publish makes the first one"
        return
    yield f"  {'version':<9} {'published':<20} {'ndcg@10':>8} {'hr@10':>8}  {'data':<12} replaced"
    for version in reversed(registry.versions()):
        yield ("* " if version == champion else "  ") + _line(registry, version)


def _line(registry: Registry, version: Version) -> str:
    record = registry.record(version)
    figures = read_json(registry.folder_of(version) / VERDICT)["figures"]["challenger"]
    data = (record["data"] or {}).get("md5", "unknown")[:12]
    replaced = record["replaces"] or "nothing"
    override = f"  overridden: {record['override']}" if record["override"] else ""
    return (
        f"{version!s:<9} {record['published_at'][:19]:<20} {figures['ndcg@10']:>8.4f} "
        f"{figures['hr@10']:>8.4f}  {data:<12} {replaced}{override}"
    )
