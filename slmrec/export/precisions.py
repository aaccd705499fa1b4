"""model.onnx in fewer bits: int8 for CPUs, fp16 for GPUs.

Inputs and outputs stay as they are, so that one takes the place of the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from slmrec.export.derived_graphs import HEAD, made_of

# Norms and angles stay in fp32: a sum of squares overflows fp16, an angle of 50 is off by .03 in
# it, and norms fused in fp16 gave zeros in some versions of onnxruntime.
ALWAYS_FP32 = (
    "Cos",
    "Div",
    "LayerNormalization",
    "Pow",
    "RMSNormalization",
    "ReduceMean",
    "ReduceSum",
    "Sin",
    "Sqrt",
)
# Without this mark the quantiser advises a preparation that the canonical graph does not need.
PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}


def to_int8(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its matrix products in int8, that with the item table among them.

    Weights have a scale for each column, so for each item; activations one that is found anew in
    each call (dynamic), which needs no calibration.
    """
    prepared = without_shapes(graph)
    onnx.helper.set_model_props(prepared, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(prepared, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(target)


def to_fp16(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its decoder and its item table in fp16; what ranks the scores stays in fp32.

    That is all behind the product with the item table: what neighbours and a trend add, exclusions
    and the list.
    """
    (head,) = [node for node in graph.graph.node if HEAD in node.input]
    before = made_of(graph.graph, head.output)
    after = [node.name for node in graph.graph.node if not before & set(node.output)]
    half = convert_float_to_float16(
        without_shapes(graph),
        keep_io_types=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *ALWAYS_FP32],
        node_block_list=after,
    )
    half.graph.ClearField("value_info")
    _drop_repeated_casts(half.graph)
    return half


def without_shapes(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without the noted shapes of intermediate values, at which both converters fail."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    del copy.graph.value_info[:]
    return copy


def _drop_repeated_casts(body: onnx.GraphProto) -> None:
    """The converter casts a value once for each node that reads it, under one name."""
    given: set[str] = set()
    kept = []
    for node in body.node:
        if not given & set(node.output):
            kept.append(node)
            given |= set(node.output)
    nodes = _in_order(kept, given)
    del body.node[:]
    body.node.extend(nodes)


def _in_order(nodes: list[onnx.NodeProto], given: set[str]) -> list[onnx.NodeProto]:
    """Nodes, each behind those that it reads: the converter puts its casts at the end."""
    maker = {output: node for node in nodes for output in node.output}
    placed: list[onnx.NodeProto] = []
    done: set[str] = set()
    for wanted in nodes:
        waiting = [wanted]
        while waiting:
            node = waiting[-1]
            missing = [name for name in node.input if name in given and name not in done]
            if missing:
                waiting += [maker[name] for name in missing]
                continue
            waiting.pop()
            if not done & set(node.output):
                placed.append(onnx.NodeProto.FromString(node.SerializeToString()))
                done |= set(node.output)
    return placed


CONVERTERS: dict[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "int8": to_int8,
    "fp16": to_fp16,
}
