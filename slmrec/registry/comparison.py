"""Two versions side by side: quality, lists in common, what users would notice, the contract."""

from __future__ import annotations

import io
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.registry.recorded import LIST_LENGTH, RECORDED, read_recorded
from slmrec.registry.version import LEVEL_NAMES, Interface, changes
from slmrec.runtime import Recommender, UnknownItemsWarning
from slmrec.runtime.bundle import GOLDEN, METRICS, Bundle, read_bundle
from slmrec.runtime.golden import FIELDS

QUALITY = ("ndcg@10", "hr@10", "mrr", "coverage@10")
GRAPH = "student_onnx"
MOST_SHOWN = 10  # items whose share of all places is told
NAMED = 3  # items whose places changed most
AT_ONCE = 64  # histories
Lists = list[list[str]]


@dataclass(frozen=True)
class Opened:
    """A bundle to compare, by the name it was asked for."""

    name: str
    bundle: Bundle
    recommender: Recommender

    @staticmethod
    def of(name: str, bundle_dir: Path) -> Opened:
        """Read and load a bundle."""
        return Opened(name, read_bundle(bundle_dir), Recommender(bundle_dir, "cpu", None))

    def lists(self, histories: Lists) -> Lists:
        """Item ids of the ten best after each history; ids it does not know are unknown items."""
        k = min(LIST_LENGTH, self.recommender.largest_k)
        found: Lists = []
        with warnings.catch_warnings():
            # Ids that the other version alone knows are expected here.
            warnings.simplefilter("ignore", UnknownItemsWarning)
            for first in range(0, len(histories), AT_ONCE):
                batch = histories[first : first + AT_ONCE]
                lists = self.recommender.recommend(batch, k, unknown="warn")
                found += [[entry.item for entry in entries] for entries in lists]
        return found


def compare_versions(left: Opened, right: Opened) -> list[str]:
    """Lines that tell a person how the right one differs from the left one."""
    histories, source = _histories(left, right)
    return [
        *_quality(left, right),
        "",
        f"lists of {LIST_LENGTH} after {len(histories):,} {source}:",
        *_lists(left, right, histories),
        "",
        "what consumers see:",
        *_contract(left, right),
    ]


def _quality(left: Opened, right: Opened) -> Iterator[str]:
    yield f"{'measured when it was made':<28}{left.name:>12}{right.name:>12}{'change':>12}"
    sides = [_figures(left), _figures(right)]
    for metric in QUALITY:
        before, after = (side.get(metric) for side in sides)
        if before is not None and after is not None:
            yield f"{metric:<28}{before:>12.4f}{after:>12.4f}{after - before:>+12.4f}"
    windows = [side.bundle.contract["inputs_sha256"].get("histories") for side in (left, right)]
    if windows[0] != windows[1]:
        yield "on different windows: only the gate's verdict holds them against each other"


def _figures(side: Opened) -> dict[str, float]:
    metrics: dict[str, Any] = json.loads(side.bundle.files[METRICS])
    return dict(metrics["models"].get(GRAPH, {}).get("full", {}))


def _histories(left: Opened, right: Opened) -> tuple[Lists, str]:
    """Recorded histories of the newer one, else of the other, else the golden cases."""
    for side in (right, left):
        path = side.bundle.folder.parent / RECORDED
        if path.is_file():
            recorded = read_recorded(path.read_bytes())
            return [entry.history for entry in recorded], f"recorded histories of {side.name}"
    return _golden_histories(right), f"golden cases of {right.name}"


def _golden_histories(side: Opened) -> Lists:
    ids = side.recommender.items.ids
    with np.load(io.BytesIO(side.bundle.files[GOLDEN]), allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name.endswith(f".{FIELDS[0]}")]
        rows = [row for name in names for row in arrays[name].tolist()]
    known = range(FIRST_ITEM, side.recommender.items.rows)
    return [[ids[item - FIRST_ITEM] for item in row if item in known] for row in rows]


def _lists(left: Opened, right: Opened, histories: Lists) -> Iterator[str]:
    before, after = left.lists(histories), right.lists(histories)
    pairs = list(zip(before, after, strict=True))
    shares: dict[str, list[float]] = {
        "items in common, on average": [overlap(*pair) for pair in pairs],
        "users whose list is the same": [old == new for old, new in pairs],
        "users whose first item is another": [old[:1] != new[:1] for old, new in pairs],
        "users with no item in common": [not overlap(*pair) for pair in pairs],
    }
    for name, values in shares.items():
        yield f"  {name:<36}{float(np.mean(values)) if values else 0.0:>8.1%}"
    yield from _exposure(_shown(before), _shown(after), _titles(left) | _titles(right))


def _exposure(
    before: Counter[str], after: Counter[str], titles: dict[str, str | None]
) -> Iterator[str]:
    """Which items stand in the lists, and how often."""
    yield f"  {'different items shown':<36}{len(before):>8,} -> {len(after):,}"
    shares = [top_share(counts) for counts in (before, after)]
    yield "  {:<36}{:>8.1%} -> {:.1%}".format("places of the ten most shown", *shares)
    difference = Counter(after)
    difference.subtract(before)
    yield f"  shown more: {_named(difference.most_common(NAMED), titles)}"
    yield f"  shown less: {_named(difference.most_common()[: -NAMED - 1 : -1], titles)}"


def _shown(lists: Lists) -> Counter[str]:
    """How often each item stands in a list."""
    return Counter(item for row in lists for item in row)


def _titles(side: Opened) -> dict[str, str | None]:
    items = side.recommender.items
    return dict(zip(items.ids, items.titles, strict=True))


def _contract(left: Opened, right: Opened) -> list[str]:
    found = changes(Interface.of(left.bundle), Interface.of(right.bundle))
    lines = [f"  {LEVEL_NAMES[change.level]:<6} {change.what}" for change in found]
    return lines or ["  the same contract and item ids"]


def overlap(old: Sequence[str], new: Sequence[str]) -> float:
    """Share of the longer list that both hold."""
    return len(set(old) & set(new)) / max(1, len(old), len(new))


def top_share(counts: Counter[str]) -> float:
    """Share of all places that the ten most shown items take."""
    return sum(count for _, count in counts.most_common(MOST_SHOWN)) / max(1, counts.total())


def _named(counts: Sequence[tuple[str, int]], titles: dict[str, str | None]) -> str:
    return ", ".join(f"{titles.get(item) or item} {count:+d}" for item, count in counts)
