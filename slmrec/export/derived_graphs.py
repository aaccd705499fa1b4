"""Graphs cut from model.onnx: the same nodes and weights, so that they cannot compute otherwise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx

HEAD = "columns"  # the weight of the product of user vectors with the items' vectors
LENGTH = "list_length"


def fixed_list_graph(graph: onnx.ModelProto, length: int) -> onnx.ModelProto:
    """`model.onnx` without the input `k`: its lists have `length` items.

    Triton adds a batch dimension to every input, and TensorRT wants a TopK of a constant length:
    neither can do with a scalar.
    """
    fixed = _copy(graph)
    (best,) = [node for node in fixed.graph.node if node.op_type == "TopK"]
    best.input[1] = LENGTH
    fixed.graph.initializer.append(_constant(LENGTH, np.array([length], np.int64)))
    inputs = [value for value in fixed.graph.input if value.name != "k"]
    for output in fixed.graph.output:
        output.type.tensor_type.shape.dim[1].dim_value = length
    return cut(fixed, inputs, list(fixed.graph.output))


def user_tower_graph(graph: onnx.ModelProto, width: int, extended: bool) -> onnx.ModelProto:
    """`model.onnx` up to the user's vector: `history` (B, T) -> `vector` (B, width) float32.

    `extended`: a last number, 1, is added, which meets the bonus that an item's vector ends in.
    """
    tower = _copy(graph)
    (head,) = [node for node in tower.graph.node if HEAD in node.input]
    pads = _constant("pads", np.array([0, 0, 0, int(extended)], np.int64))
    tower.graph.initializer.extend([pads, _constant("one", np.array(1, np.float32))])
    # Without a bonus nothing is added, and the node only names the output.
    tower.graph.node.append(
        onnx.helper.make_node("Pad", [head.input[0], "pads", "one"], ["vector"], name="Pad_vector")
    )
    (history,) = [value for value in tower.graph.input if value.name == "history"]
    vector = onnx.helper.make_tensor_value_info(
        "vector", onnx.TensorProto.FLOAT, [history.type.tensor_type.shape.dim[0].dim_param, width]
    )
    return cut(tower, [history], [vector])


def made_of(body: onnx.GraphProto, values: Iterable[str]) -> set[str]:
    """All that some values of a graph are computed from, themselves among it."""
    made_by = {output: node for node in body.node for output in node.output}
    waiting, found = list(values), set[str]()
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += made_by[name].input if name in made_by else []
    return found


def cut(
    graph: onnx.ModelProto, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    """Keep what the outputs need: nodes in their order, and the weights these read."""
    body = graph.graph
    needed = {output.name for output in outputs}
    kept = []
    for node in reversed(body.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    cut = onnx.ModelProto()
    cut.CopyFrom(graph)
    cut.graph.CopyFrom(
        onnx.helper.make_graph(
            kept[::-1],
            body.name,
            inputs,
            outputs,
            [weight for weight in body.initializer if weight.name in needed],
        )
    )
    return cut


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    return copy


def _constant(name: str, value: np.ndarray) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(value, name)
