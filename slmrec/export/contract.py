"""The contract of a bundle: what a consumer can rely on."""

from __future__ import annotations

from typing import Any

import onnx

from slmrec import __version__
from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.empty_history import has_popularity
from slmrec.export.further_parts import FurtherParts
from slmrec.runtime.bundle import FORMAT, MODEL, sha256_of_bytes
from slmrec.runtime.further_graphs import USER_TOWER, file_of
from slmrec.runtime.items import ServedItems

PRECISION = "float32"
# The first onnxruntime that reads the graph format; the exporter of torch 2.13 writes IR 10. Tried
# with 1.18.1 and 1.31.1.
ONNXRUNTIME_OF_IR = {10: "1.18"}
VOCABULARY = {"pad": PAD, "unknown": UNK, "padding_side": "right", "order": "oldest first"}
BEHAVIOUR = {
    "truncation": "a history longer than max_length is read from its newest max_length items",
    "unknown": "in history, an index outside the table, or a 0 before the last item, is read as "
    "unknown; in exclude it excludes nothing",
    "never_recommended": "padding, unknown, untrained and retired items, and the row's exclude; "
    "one row of exclude for a batch holds for all its rows",
    "k": "a k above the number of candidates is cut to it; where exclusions leave fewer than k, "
    "the row ends in item 0 with score -inf",
    "time": "at least 1; batch and the width of exclude may be 0",
    "scores": "order the items of one row; they are neither probabilities nor comparable between "
    "rows or versions",
    "ids": "an item keeps its index for ever; new items follow; otherwise the major version moves",
}

# By whether the graph knows the items' popularity.
EMPTY_HISTORY = {
    True: "a row whose newest max_length items are all unknown, or padding alone, gets the items "
    "that are popular among the newest training events",
    False: "a row of padding alone is read as one unknown item",
}


def bundle_contract(
    graph: onnx.ModelProto,
    served: ServedItems,
    max_length: int,
    exclude_seen: bool,
    tolerance: float,
    inputs_sha256: dict[str, str],
    neighbours: dict[str, Any] | None,
    parts: FurtherParts | None = None,
) -> dict[str, Any]:
    """What a consumer can rely on; `inputs_sha256` are of what the bundle was made from, by name.

    Neither the graph's hash nor dvc.lock's is in it: the graph carries the contract's, and dvc.lock
    the bundle's. Raises UsageError where no onnxruntime is known to read the graph.
    """
    return {
        "format": FORMAT,
        "version": __version__,
        "graph": {"file": MODEL, **_graph_facts(graph)},
        # Those beside it, by their names; docs/consumers.md says what each is for.
        "graphs": _further_facts(parts or FurtherParts(), neighbours is not None),
        "minimum_runtime": {"onnxruntime": _minimum_onnxruntime(graph)},
        "precision": PRECISION,
        # Of a golden case's scores, as a share of the standard deviation of its row's scores over
        # all candidates.
        "tolerance": {PRECISION: tolerance},
        "max_length": max_length,
        # As the model was evaluated: whether a history's own items are left out of its list.
        "exclude_seen": exclude_seen,
        "items": _item_facts(served),
        # How neighbours of the newest items join the scores: docs/training.md; null without.
        "neighbours": neighbours,
        "vocabulary": VOCABULARY,
        "behaviour": {**BEHAVIOUR, "empty_history": EMPTY_HISTORY[has_popularity(graph)]},
        "inputs_sha256": inputs_sha256,
    }


def _minimum_onnxruntime(graph: onnx.ModelProto) -> str:
    if graph.ir_version not in ONNXRUNTIME_OF_IR:
        raise UsageError(
            f"the exporter wrote ONNX IR {graph.ir_version}, known are "
            f"{sorted(ONNXRUNTIME_OF_IR)}; install torch from constraints.txt"
        )
    return ONNXRUNTIME_OF_IR[graph.ir_version]


def _item_facts(served: ServedItems) -> dict[str, Any]:
    return {
        "rows": served.rows,
        "candidates": served.candidates,
        "first": FIRST_ITEM,
        "sha256": sha256_of_bytes(served.jsonl),
    }


def _further_facts(parts: FurtherParts, neighbours: bool) -> dict[str, Any]:
    return {
        name: {
            "file": file_of(name),
            **_graph_facts(graph),
            # No product of two vectors gives what neighbours add.
            "neighbours": neighbours and name != USER_TOWER,
            **parts.precisions.get(name, {}),
            **({"item_vectors": parts.vector_facts()} if name == USER_TOWER else {}),
        }
        for name, graph in parts.graphs.items()
    }


def _graph_facts(graph: onnx.ModelProto) -> dict[str, Any]:
    return {
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
