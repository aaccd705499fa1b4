"""The profile names operators, tells attention from weights, and its parts are its whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmarks.int8_profile import measure, operator, summary
from benchmarks.neighbour_cost import OPSET, student
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.graph import export_graph


def node(name: str, *shapes: list[int]) -> dict[str, Any]:
    return {"op_name": name, "input_type_shape": [{"float": shape} for shape in shapes]}


def test_a_product_of_two_computed_values_is_attention() -> None:
    assert operator(node("MatMul", [4, 2, 6, 8], [4, 2, 8, 6])) == "MatMul (attention)"
    assert operator(node("MatMul", [4, 6, 8], [8, 8])) == "MatMul"
    assert operator(node("Softmax", [4, 2, 6, 6])) == "Softmax"


def test_the_bound_is_what_free_products_would_give() -> None:
    found = summary({"MatMul": 6.0, "Softmax": 2.0}, {"MatMulIntegerToFloat": 3.0, "Softmax": 2.0})
    assert found["products_times_as_fast"] == 6 / 3
    assert found["bound"] == (6 + 2) / 2
    assert (found["fp32_rest"], found["int8_rest"]) == (2.0, 2.0)


@pytest.mark.acceptance  # an export takes seconds
def test_both_graphs_are_profiled() -> None:
    items = 60
    candidates = torch.arange(items + FIRST_ITEM) >= FIRST_ITEM
    found = measure(export_graph(student(items, 16), candidates, OPSET), items, 3, 5)
    fp32, int8 = (found["operator_milliseconds"][name] for name in ("fp32", "int8"))
    assert "MatMul" in fp32 and "MatMul (attention)" in fp32
    assert {"DynamicQuantizeMatMul", "MatMulIntegerToFloat"} & set(int8)
    parts = found["summary"]
    assert parts["fp32_products"] + parts["fp32_rest"] == pytest.approx(sum(fp32.values()))
    assert set(found["call_milliseconds"]) == {"fp32", "int8"}
