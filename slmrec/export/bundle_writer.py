"""Writing a bundle: item table, contract, stamped graph, golden cases, model card; the manifest last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmrec.export.contract import _json
from slmrec.export.item_tables import ItemFiles
from slmrec.export.model_card import model_card
from slmrec.runtime.bundle import CONTRACT, GOLDEN, ITEMS, MODEL, write_manifest


@dataclass(frozen=True)
class Parts:
    """Everything a bundle is made of."""

    graph: bytes  # stamped with the hashes of the contract and the item table
    contract: bytes
    items: ItemFiles
    metrics: dict[str, Any]
    golden: bytes


def write_bundle(parts: Parts, folder: Path) -> None:
    """Write a bundle into an empty folder, its manifest last; the same parts give the same bytes."""
    files = {
        MODEL: parts.graph,
        CONTRACT: parts.contract,
        ITEMS: parts.items.lines,
        "items.parquet": parts.items.parquet,
        "metrics.json": _json(parts.metrics),
        "MODEL_CARD.md": model_card(json.loads(parts.contract), parts.metrics).encode(),
        GOLDEN: parts.golden,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_manifest(folder)
    for file in folder.iterdir():
        file.chmod(0o644)  # a service reads it as another user than the one who wrote it
