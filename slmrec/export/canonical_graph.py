"""An exported graph reduced to what it computes: the same model gives the same bytes on every machine and in every process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx

MADE_UP = "val_"  # how the exporter begins the names of constants that have none


def cleaned(graph: onnx.ModelProto) -> onnx.ModelProto:
    """`graph`, changed in place: no stack traces, source paths, doc strings or stale shapes, and names by place alone."""
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    body = graph.graph
    _strip(body)
    # Stale intermediate shapes stop the quantiser; the runtime infers them anew.
    body.ClearField("value_info")
    _rename(body)
    for output in body.output:
        output.type.tensor_type.shape.dim[1].dim_param = "k"
    return graph


def _strip(body: onnx.GraphProto) -> None:
    parts: Iterable[Any] = [body, *body.node, *body.initializer, *body.input, *body.output]
    for part in parts:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _rename(body: onnx.GraphProto) -> None:
    """Number nodes and intermediate values by place: the exporter's own counters change with the process's hash seed."""
    kept = {output.name for output in body.output}
    names = {
        weight.name: f"constant_{place}"
        for place, weight in enumerate(body.initializer)
        if weight.name.startswith(MADE_UP)
    }
    for place, node in enumerate(body.node):
        node.name = f"{node.op_type}_{place}"
        for port, output in enumerate(node.output):
            if output and output not in kept:
                names[output] = f"{node.op_type.lower()}_{place}" + (f"_{port}" if port else "")
    for weight in body.initializer:
        weight.name = names.get(weight.name, weight.name)
    for node in body.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
