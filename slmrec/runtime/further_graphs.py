"""The graphs of a bundle beside model.onnx, and the items' vectors that one of them needs.

A bundle has those that `export_onnx.graphs` asked for; the contract says which, under `graphs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SERVE_FIXED = "serve_fixed"  # the same lists, of a fixed length: no scalar input
USER_TOWER = "user_tower"  # the user's vector, which item vectors are searched with
MODEL_INT8 = "model_int8"  # model.onnx with its matrix products in int8, for CPUs
MODEL_FP16 = "model_fp16"  # the same in fp16, norms aside, for GPUs
STEP = "step"  # one more event, the earlier ones being a state
ITEM_VECTORS = "item_vectors.safetensors"
STATE_DIMENSIONS = 6  # users, places of the window, layers, what each keeps, heads, width
# What each graph is called with, and what is read of its answer; it may give more.
MODEL_SIGNATURE = ({"history", "exclude", "k"}, {"items", "scores"})
SIGNATURES = {
    MODEL_INT8: MODEL_SIGNATURE,
    MODEL_FP16: MODEL_SIGNATURE,
    SERVE_FIXED: ({"history", "exclude"}, {"items", "scores"}),
    USER_TOWER: ({"history"}, {"vector"}),
    STEP: (
        {"events", "exclude", "k", "state_items", "state"},
        {"items", "scores", "new_state_items", "new_state"},
    ),
}

# By the precision that a caller asks for, the graph that has it.
GRAPH_OF = {"fp32": "model", "int8": MODEL_INT8, "fp16": MODEL_FP16}


def file_of(graph: str) -> str:
    """The name of a further graph's file."""
    return f"{graph}.onnx"


def setting_of(graph: str) -> str:
    """The setting of export_onnx that asks for a further graph."""
    return "precisions.wanted" if graph in (MODEL_INT8, MODEL_FP16) else "graphs"


def further_files(contract: Mapping[str, Any]) -> Iterator[str]:
    """The files that a contract names beside those that every bundle has."""
    for facts in contract.get("graphs", {}).values():
        yield from files_of(facts)


def files_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """The files of one further graph, of which the contract says `facts`."""
    yield facts["file"]
    if vectors := facts.get("item_vectors"):
        yield vectors["file"]


def graphs_fit(contract: Mapping[str, Any]) -> bool:
    """Whether what a contract says of its further graphs is what such graphs are.

    A graph of another name is passed over: it may be added within a format. Raises KeyError,
    TypeError or AttributeError where the contract is of another shape.
    """
    graphs = contract.get("graphs", {})
    return all(isinstance(file, str) for file in further_files(contract)) and all(
        _fits(name, graphs[name]) for name in SIGNATURES if name in graphs
    )


def _fits(name: str, facts: Mapping[str, Any]) -> bool:
    inputs, outputs = SIGNATURES[name]
    if set(facts["inputs"]) != inputs or not set(facts["outputs"]) >= outputs:
        return False
    named = [facts["file"] == file_of(name)]
    if name == USER_TOWER:
        vectors = facts.get("item_vectors", {})
        named += [vectors.get("file") == ITEM_VECTORS, _is_count(vectors.get("width"))]
    if name == STEP:
        shape = facts["inputs"]["state"]["shape"]
        named += [len(shape) == STATE_DIMENSIONS, *map(_is_count, shape[1:])]
    if name in (MODEL_INT8, MODEL_FP16):
        tolerance = facts.get("tolerance")
        named += [isinstance(tolerance, float) and 0 < tolerance < 1]
    return all(named)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
