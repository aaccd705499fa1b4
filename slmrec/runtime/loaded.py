"""A graph of a bundle, loaded: what `Recommender` and `UserTower` both begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slmrec.runtime.bundle import ITEMS, Bundle, part_of, read_bundle
from slmrec.runtime.further_graphs import file_of
from slmrec.runtime.items import ServedItems, items_from_jsonl
from slmrec.runtime.requests import DEVICES, check_choice, check_count
from slmrec.runtime.session import Placed, open_graph


@dataclass(frozen=True)
class LoadedGraph:
    """The bundle, what its contract says of the graph, its items, and the graph's session."""

    bundle: Bundle
    facts: dict[str, Any]
    items: ServedItems
    placed: Placed


def load_graph(
    bundle_dir: Path | str | Bundle,
    graph: str,
    device: Literal["auto", "cpu", "cuda"],
    threads: int | None,
    batch_size: int | None,
) -> LoadedGraph:
    """Verify a bundle and open the graph of that name.

    Raises UsageError for an argument of a wrong type, BundleError where the bundle is not whole or
    has no such graph, and what `open_graph` does.
    """
    check_choice(device, "device", DEVICES)
    check_count(threads, "threads")
    check_count(batch_size, "batch_size")
    bundle = bundle_dir if isinstance(bundle_dir, Bundle) else read_bundle(bundle_dir, graph)
    facts = part_of(bundle, graph)
    items = items_from_jsonl(bundle.files[ITEMS])
    placed = open_graph(bundle, file_of(graph), items.rows, device, threads)
    return LoadedGraph(bundle, facts, items, placed)
