"""What somebody does to a bundle who knows about its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from slmrec.runtime.bundle import CONTRACT, GOLDEN, MANIFEST, write_manifest


def reseal(bundle_dir: Path) -> Path:
    """The bundle under a new manifest, over its files as they are now."""
    (bundle_dir / MANIFEST).unlink()
    write_manifest(bundle_dir)
    return bundle_dir


def golden_arrays(bundle_dir: Path) -> dict[str, np.ndarray]:
    """The arrays of golden.npz."""
    with np.load(bundle_dir / GOLDEN, allow_pickle=False) as file:
        return dict(file)


def write_golden(bundle_dir: Path, arrays: dict[str, np.ndarray]) -> Path:
    """The bundle with other golden cases, under a new manifest."""
    np.savez(bundle_dir / GOLDEN, **arrays)  # type: ignore[arg-type]  # names are no keywords of it
    return reseal(bundle_dir)


def without_graph(bundle_dir: Path, graph: str) -> Path:
    """The bundle without one of its further graphs; those left were made with another contract."""
    contract = json.loads((bundle_dir / CONTRACT).read_text())
    facts = contract["graphs"].pop(graph)
    for part in (facts, facts.get("item_vectors", {})):
        if file := part.get("file"):
            (bundle_dir / file).unlink()
    (bundle_dir / CONTRACT).write_text(json.dumps(contract))
    return reseal(bundle_dir)
