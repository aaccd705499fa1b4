"""An exported graph in fewer bits: int8 or fp16."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16


def quantize(graph: onnx.ModelProto) -> bytes:
    """The graph with its matrix products in int8."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(without_shapes(graph), source)
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
        return target.read_bytes()


def to_half(graph: onnx.ModelProto) -> bytes:
    """The graph in fp16 inside; its inputs and outputs stay as the bundle's contract says."""
    half = convert_float_to_float16(without_shapes(graph), keep_io_types=True)
    return cast(bytes, half.SerializeToString())


def without_shapes(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without the noted shapes of intermediate values, at which both converters fail."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    del copy.graph.value_info[:]
    return copy
