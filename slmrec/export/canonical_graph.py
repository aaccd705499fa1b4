"""An exported graph reduced to what it computes, so that every machine gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx

LISTS = ("items", "scores")  # outputs whose second dimension is the length of the lists
GENERATED = "val_"  # how the exporter begins the names of constants that have none
# The exporter names weights after the attributes that hold them. In a graph they keep the names
# that they have had in every bundle so far, whatever the attributes are called by now.
PUBLISHED_NAMES = {
    "vectors.model.item_embedding.": "vectors.model.table.",
    "vectors.model.prefix.": "vectors.model.remembered.",
}


def canonicalize(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Change `graph` in place to what does not depend on the process that exported it.

    Stack traces, source paths, doc strings and intermediate shapes go; names follow from places.
    """
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    body = graph.graph
    _remove_annotations(body)
    # Stale intermediate shapes stop the quantiser; the runtime infers them anew.
    body.ClearField("value_info")
    _refuse_several_lengths(body)
    _rename(body)
    for output in body.output:
        if output.name not in LISTS:
            continue
        output.type.tensor_type.shape.dim[1].dim_param = "k"
    return graph


def _refuse_several_lengths(body: onnx.GraphProto) -> None:
    """Make a `k` of several numbers an error, where the exporter's graph takes the first of them.

    onnxruntime does not check the shape of what is said to be a scalar.
    """
    for node in body.node:
        if node.op_type == "Reshape" and node.input[0] == "k":
            name = f"{GENERATED}one_length"
            body.initializer.append(onnx.numpy_helper.from_array(np.array([1], np.int64), name))
            node.input[1] = name


def _remove_annotations(body: onnx.GraphProto) -> None:
    parts: Iterable[Any] = [body, *body.node, *body.initializer, *body.input, *body.output]
    for part in parts:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _rename(body: onnx.GraphProto) -> None:
    values = _value_names(body)
    names = _weight_names(body, set(values.values())) | values
    for place, node in enumerate(body.node):
        node.name = f"{node.op_type}_{place}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for weight in body.initializer:
        weight.name = names.get(weight.name, weight.name)


def _weight_names(body: onnx.GraphProto, taken: set[str]) -> dict[str, str]:
    """New names of weights: the published ones, and of constants by place.

    A constant that torch computed while it exported is called as the value that it was, such as
    unsqueeze_3, which may be one of the names in `taken`.
    """
    names = {}
    for place, weight in enumerate(body.initializer):
        if weight.name.startswith(GENERATED) or weight.name in taken:
            names[weight.name] = f"constant_{place}"
        for attribute, published in PUBLISHED_NAMES.items():
            if weight.name.startswith(attribute):
                names[weight.name] = published + weight.name.removeprefix(attribute)
    return names


def _value_names(body: onnx.GraphProto) -> dict[str, str]:
    """New names of intermediate values, by the place of the node that gives them.

    The exporter numbers values by counters that change with the process's hash seed.
    """
    outputs = {output.name for output in body.output}
    return {
        output: f"{node.op_type.lower()}_{place}" + (f"_{port}" if port else "")
        for place, node in enumerate(body.node)
        for port, output in enumerate(node.output)
        if output and output not in outputs
    }
