"""A graph in fewer bits is smaller and recommends nearly the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from benchmarks.graph_precision import quantize, to_half, without_shapes
from slmrec.runtime.session import open_session, run_graph
from tests.support import bundles


@pytest.mark.parametrize(("convert", "tolerance"), [(to_half, 0.02), (quantize, 0.2)])
def test_scores_stay_close_to_those_of_the_full_precision(
    convert: Callable[[onnx.ModelProto], bytes], tolerance: float
) -> None:
    graph = bundles.small_graph()
    history, nothing = np.array([[5, 9, 3]]), np.zeros((1, 0), dtype=np.int64)
    full = run_graph(open_session(graph.SerializeToString(), "cpu", 1), history, nothing, 40)
    converted = run_graph(open_session(convert(graph), "cpu", 1), history, nothing, 40)
    spread = float(full.scores.max() - full.scores.min())
    rows = np.full(bundles.ROWS, np.nan), np.full(bundles.ROWS, np.nan)
    for scores, best in zip(rows, (full, converted), strict=True):
        scores[best.items[0]] = best.scores[0]
    assert np.nanmax(np.abs(rows[0] - rows[1])) < tolerance * spread


def test_the_graph_that_is_converted_stays_as_it_is() -> None:
    graph = onnx.ModelProto()
    graph.graph.value_info.add(name="an intermediate value")
    assert not without_shapes(graph).graph.value_info
    assert len(graph.graph.value_info) == 1
