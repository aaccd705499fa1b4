"""Writing a bundle: its files, and the manifest last."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slmrec.export.item_tables import items_to_parquet
from slmrec.export.model_card import model_card
from slmrec.runtime.bundle import (
    CONTRACT,
    GOLDEN,
    ITEMS,
    ITEMS_PARQUET,
    METRICS,
    MODEL,
    MODEL_CARD,
    write_manifest,
)
from slmrec.runtime.items import ServedItems

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class BundleFiles:
    """The bytes of each file of a bundle but the manifest, which follows from them."""

    model: bytes  # the graph, stamped with the hashes of contract and items_jsonl
    contract: bytes
    items_jsonl: bytes
    items_parquet: bytes
    metrics: bytes
    model_card: bytes
    golden: bytes
    further: dict[str, bytes] = field(default_factory=dict)  # of the other parts, by their names

    def by_name(self) -> dict[str, bytes]:
        """The bytes by the name that each file has in the bundle."""
        return {
            MODEL: self.model,
            CONTRACT: self.contract,
            ITEMS: self.items_jsonl,
            ITEMS_PARQUET: self.items_parquet,
            METRICS: self.metrics,
            MODEL_CARD: self.model_card,
            GOLDEN: self.golden,
            **self.further,
        }


def json_bytes(value: Any) -> bytes:
    """A JSON file of a bundle, sorted and indented. Raises ValueError on NaN or infinity."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def bundle_files(
    model: bytes,
    contract: JsonObject,
    served: ServedItems,
    metrics: JsonObject,
    golden: bytes,
    further: dict[str, bytes] | None = None,
) -> BundleFiles:
    """The files of a bundle of the stamped graph `model`. Raises ValueError on a NaN metric."""
    return BundleFiles(
        model=model,
        contract=json_bytes(contract),
        items_jsonl=served.jsonl,
        items_parquet=items_to_parquet(served),
        metrics=json_bytes(metrics),
        model_card=model_card(contract, metrics).encode(),
        golden=golden,
        further=further or {},
    )


def write_bundle(files: BundleFiles, bundle_dir: Path) -> None:
    """Write a bundle into an empty folder, its manifest last."""
    for name, content in files.by_name().items():
        (bundle_dir / name).write_bytes(content)
    write_manifest(bundle_dir)
    for file in bundle_dir.iterdir():
        file.chmod(0o644)  # a service reads it as another user than the one who wrote it
