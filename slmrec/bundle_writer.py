"""Writing a bundle: item table, contract, stamped graph, golden cases, model card; the manifest last."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl

from slmrec import __version__
from slmrec.bundle import (
    CONTRACT,
    CONTRACT_HASH,
    FORMAT,
    GOLDEN,
    ITEMS,
    ITEMS_HASH,
    MODEL,
    VERSION,
    sha256_of_bytes,
    write_manifest,
)
from slmrec.errors import DataError, UsageError
from slmrec.model_card import model_card
from slmrec.served_items import ACTIVE, LISTED, RETIRED, ServedItems, write_lines
from slmrec.vocabulary import FIRST_ITEM, PAD, UNK

PRECISION = "float32"
# The first onnxruntime that reads the graph format; the exporter of torch 2.13 writes IR 10. Tried with 1.18.1 and 1.31.1.
RUNTIME_OF_IR = {10: "1.18"}


def read_served_items(items: pl.DataFrame) -> ServedItems:
    """The served items of the table `tables.ITEMS`. Raises DataError when indices are not 2, 3, ... without gaps."""
    items = items.sort("item_index")
    if items["item_index"].to_list() != list(range(FIRST_ITEM, FIRST_ITEM + len(items))):
        raise DataError(
            f"items.parquet does not number its {len(items)} items from {FIRST_ITEM} without gaps; run dvc repro --force prepare"
        )
    status = pl.when(pl.col("events") > 0).then(pl.lit(ACTIVE)).when(pl.col("title").is_not_null()).then(pl.lit(LISTED))
    statuses = items.select(status.otherwise(pl.lit(RETIRED)).alias("status"))["status"].to_list()
    ids = items["item"].to_list()
    index = {item: place for place, item in enumerate(ids, start=FIRST_ITEM)}
    return ServedItems(ids=ids, titles=items["title"].to_list(), statuses=statuses, index=index)


def candidates_of(served: ServedItems) -> np.ndarray:
    """Which rows of the item table may be recommended: neither PAD nor UNK nor a retired item.  # (I,) bool"""
    mask = np.zeros(served.rows, dtype=bool)
    mask[FIRST_ITEM:] = [status != RETIRED for status in served.statuses]
    return mask


@dataclass(frozen=True)
class ItemFiles:
    """The served items as the bundle's two files hold them."""

    served: ServedItems
    lines: bytes
    parquet: bytes
    sha256: str  # of the lines, which are what the runtime reads


def item_files(served: ServedItems) -> ItemFiles:
    """Write both item tables once: with millions of items each takes seconds."""
    lines = write_lines(served)
    return ItemFiles(served, lines, _parquet(served), sha256_of_bytes(lines))


def write_contract(graph: onnx.ModelProto, items: ItemFiles, max_length: int, tolerance: float, inputs: dict[str, str]) -> bytes:
    """What a consumer can rely on, as JSON; `inputs` are names and sha256 of what the bundle was made from.

    Neither the graph's hash nor dvc.lock's is in it: the graph carries the contract's, and dvc.lock the bundle's.
    """
    if graph.ir_version not in RUNTIME_OF_IR:
        raise UsageError(
            f"the exporter wrote ONNX IR {graph.ir_version}, known are {sorted(RUNTIME_OF_IR)}; install torch from constraints.txt"
        )
    contract = {
        "format": FORMAT,
        "version": __version__,
        "graph": _graph_facts(graph),
        "minimum_runtime": {"onnxruntime": RUNTIME_OF_IR[graph.ir_version]},
        "precision": PRECISION,
        # Of a golden case's scores, as a share of the standard deviation of its row's scores over all candidates.
        "tolerance": {PRECISION: tolerance},
        "max_length": max_length,
        "items": {
            "rows": items.served.rows,
            "candidates": items.served.candidates,
            "first": FIRST_ITEM,
            "sha256": items.sha256,
        },
        "vocabulary": {"pad": PAD, "unknown": UNK, "padding_side": "right", "order": "oldest first"},
        "behaviour": BEHAVIOUR,
        "inputs_sha256": inputs,
    }
    return _json(contract)


BEHAVIOUR = {
    "truncation": "a history longer than max_length is read from its newest max_length items",
    "unknown": "in history, an index outside the table, or a 0 before the last item, is read as unknown; in exclude it excludes nothing",
    "empty_history": "a row of padding alone is read as one unknown item",
    "never_recommended": "padding, unknown, retired items, and the row's exclude",
    "k": "a k above the number of candidates is cut to it; where exclusions leave fewer than k, the row ends in item 0 with score -inf",
    "time": "at least 1; batch and the width of exclude may be 0",
    "scores": "order the items of one row; they are neither probabilities nor comparable between rows or versions",
    "ids": "an item keeps its index for ever; new items follow; otherwise the major version moves",
}


def _graph_facts(graph: onnx.ModelProto) -> dict[str, Any]:
    return {
        "file": MODEL,
        "opset": {entry.domain or "ai.onnx": entry.version for entry in graph.opset_import},
        "ir_version": graph.ir_version,
        "inputs": {value.name: _value_facts(value) for value in graph.graph.input},
        "outputs": {value.name: _value_facts(value) for value in graph.graph.output},
    }


def _value_facts(value: onnx.ValueInfoProto) -> dict[str, Any]:
    tensor = value.type.tensor_type
    return {
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        "shape": [dimension.dim_param or dimension.dim_value for dimension in tensor.shape.dim],
    }


def properties(contract: bytes, items: ItemFiles) -> dict[str, str]:
    """The metadata that ties a graph to its contract and item table."""
    return {VERSION: __version__, CONTRACT_HASH: sha256_of_bytes(contract), ITEMS_HASH: items.sha256}


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


def _parquet(served: ServedItems) -> bytes:
    columns = {
        "index": pl.Series(range(FIRST_ITEM, served.rows), dtype=pl.UInt32),
        "item": pl.Series(served.ids, dtype=pl.String),
        "title": pl.Series(served.titles, dtype=pl.String),
        "status": pl.Series(served.statuses, dtype=pl.String),
    }
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    return stream.getvalue()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()
