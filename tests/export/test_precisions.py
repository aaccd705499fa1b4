"""A graph in fewer bits is smaller and recommends nearly the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from slmrec.export.precisions import CONVERTERS, without_shapes
from slmrec.runtime.session import open_session, run_graph
from tests.support import bundles, titled_bundles

PRECISIONS = [("fp16", 0.005), ("int8", 0.2)]


def scores(graph: onnx.ModelProto) -> np.ndarray:
    """Of every item after one history; what is never listed has none.  # (ROWS,)"""
    history, nothing = np.array([[5, 9, 3]]), np.zeros((1, 0), dtype=np.int64)
    best = run_graph(open_session(graph.SerializeToString(), "cpu", 1), history, nothing, 40)
    found = np.full(bundles.ROWS, np.nan)
    found[best.items[0]] = best.scores[0]
    return found


@pytest.mark.parametrize(("precision", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("with_neighbours", [False, True])
def test_scores_stay_close_to_those_in_fp32(
    precision: str, tolerance: float, with_neighbours: bool
) -> None:
    graph, _parts = titled_bundles.exported(with_neighbours)
    converted = CONVERTERS[precision](graph)
    onnx.checker.check_model(converted, full_check=True)
    full = scores(graph)
    difference = np.nanmax(np.abs(full - scores(converted)))
    assert 0 < difference < tolerance * (np.nanmax(full) - np.nanmin(full))
    again = CONVERTERS[precision](graph)
    assert again.SerializeToString(deterministic=True) == converted.SerializeToString(
        deterministic=True
    )


def test_in_int8_every_item_has_its_own_scale() -> None:
    weights = CONVERTERS["int8"](bundles.small_graph()).graph.initializer
    columns = {weight.name: weight for weight in weights if weight.name.startswith("columns")}
    assert columns["columns_quantized"].data_type == onnx.TensorProto.INT8
    assert list(columns["columns_scale"].dims) == [bundles.ROWS]
    assert not any(len(weight.dims) == 2 and weight.name == "columns" for weight in weights)


def test_in_fp16_norms_and_the_list_are_computed_in_fp32() -> None:
    graph, _parts = titled_bundles.exported(True)
    half = onnx.shape_inference.infer_shapes(CONVERTERS["fp16"](graph), data_prop=True)
    kinds = {value.name: value.type.tensor_type.elem_type for value in half.graph.value_info}
    kinds |= {value.name: value.type.tensor_type.elem_type for value in half.graph.output}
    found = {
        operator: {kinds[node.output[0]] for node in half.graph.node if node.op_type == operator}
        for operator in ("Pow", "ReduceMean", "Cos", "Sin", "Log", "TopK")
    }
    assert set.union(*found.values()) == {onnx.TensorProto.FLOAT}
    weights = {weight.name: weight.data_type for weight in half.graph.initializer}
    assert weights["columns"] == weights["vectors.model.table.rows"] == onnx.TensorProto.FLOAT16


def test_the_graph_that_is_converted_stays_as_it_is() -> None:
    graph = onnx.ModelProto()
    graph.graph.value_info.add(name="an intermediate value")
    assert not without_shapes(graph).graph.value_info
    assert len(graph.graph.value_info) == 1
