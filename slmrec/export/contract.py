"""The contract of a bundle: what a consumer can rely on."""

from __future__ import annotations

import json
from typing import Any

import onnx

from slmrec import __version__
from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.item_tables import ItemFiles
from slmrec.runtime.bundle import CONTRACT_HASH, FORMAT, ITEMS_HASH, MODEL, VERSION, sha256_of_bytes

PRECISION = "float32"
# The first onnxruntime that reads the graph format; the exporter of torch 2.13 writes IR 10. Tried
# with 1.18.1 and 1.31.1.
RUNTIME_OF_IR = {10: "1.18"}


def write_contract(
    graph: onnx.ModelProto,
    items: ItemFiles,
    max_length: int,
    tolerance: float,
    inputs: dict[str, str],
) -> bytes:
    """What a consumer can rely on, as JSON; `inputs` are names and sha256 of what the bundle was made from.

    Neither the graph's hash nor dvc.lock's is in it: the graph carries the contract's, and dvc.lock
    the bundle's.
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
        # Of a golden case's scores, as a share of the standard deviation of its row's scores over
        # all candidates.
        "tolerance": {PRECISION: tolerance},
        "max_length": max_length,
        "items": {
            "rows": items.served.rows,
            "candidates": items.served.candidates,
            "first": FIRST_ITEM,
            "sha256": items.sha256,
        },
        "vocabulary": {
            "pad": PAD,
            "unknown": UNK,
            "padding_side": "right",
            "order": "oldest first",
        },
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
    return {
        VERSION: __version__,
        CONTRACT_HASH: sha256_of_bytes(contract),
        ITEMS_HASH: items.sha256,
    }


def _json(value: Any) -> bytes:
    return (
        json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    ).encode()
