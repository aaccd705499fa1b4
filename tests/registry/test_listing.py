"""The list of versions: newest first, the champion marked, an override told."""

from __future__ import annotations

from typing import Any

from slmrec.core.files import write_json
from slmrec.registry.listing import version_lines
from slmrec.registry.store import Registry


def add(registry: Registry, number: str, ndcg: float, **record: Any) -> None:
    facts = {
        "published_at": "2026-01-02T03:04:05+00:00",
        "replaces": None,
        "override": None,
        "data": {"md5": "15d5c68c6d13e750.dir"},
    }
    write_json(registry.folder / number / "record.json", facts | record)
    figures = {"challenger": {"ndcg@10": ndcg, "hr@10": 0.5}}
    write_json(registry.folder / number / "verdict.json", {"figures": figures})


def test_without_a_version_it_says_what_makes_one(registry: Registry) -> None:
    (line,) = version_lines(registry)
    assert line.endswith("holds no version yet; slmrec publish makes the first one")


def test_each_version_is_a_line_the_newest_first(registry: Registry) -> None:
    add(registry, "1.9.0", 0.25, data=None)
    add(registry, "1.10.0", 0.125, replaces="1.9.0", override="the shop was closed")
    (registry.folder / "current").symlink_to("1.9.0")
    _head, newest, champion = (line.split() for line in version_lines(registry))
    assert newest == [
        "1.10.0", "2026-01-02T03:04:05", "0.1250", "0.5000", "15d5c68c6d13", "1.9.0",
        "overridden:", "the", "shop", "was", "closed",
    ]  # fmt: skip
    assert champion[:3] == ["*", "1.9.0", "2026-01-02T03:04:05"]
    assert champion[-2:] == ["unknown", "nothing"]
