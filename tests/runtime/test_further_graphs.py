"""What a contract says of the graphs beside model.onnx is checked before any of them is opened."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.further_graphs import further_files, graphs_fit


@pytest.fixture
def contract(exported_bundle: Path) -> dict[str, Any]:
    return copy.deepcopy(read_bundle(exported_bundle).contract)


def test_the_files_of_all_parts_are_named(contract: dict[str, Any]) -> None:
    assert sorted(further_files(contract)) == [
        "item_vectors.safetensors",
        "model_fp16.onnx",
        "model_int8.onnx",
        "serve_fixed.onnx",
        "step.onnx",
        "user_tower.onnx",
    ]
    assert list(further_files({})) == []  # as bundles were before there were such parts


def test_a_graph_of_another_name_is_passed_over_but_for_its_file(contract: dict[str, Any]) -> None:
    contract["graphs"]["other"] = {"file": "other.onnx"}
    assert graphs_fit(contract)
    assert "other.onnx" in further_files(contract)


@pytest.mark.parametrize("shape", [["batch", 6, 2, 2, 2], ["batch", 6, 2, 2, 2, 0]])
def test_a_state_of_another_shape_does_not_fit(contract: dict[str, Any], shape: list[Any]) -> None:
    contract["graphs"]["step"]["inputs"]["state"]["shape"] = shape
    assert not graphs_fit(contract)


@pytest.mark.parametrize(
    ("graph", "key", "value"),
    [
        ("serve_fixed", "inputs", ["history"]),
        ("serve_fixed", "inputs", ["history", "exclude", "k"]),
        ("serve_fixed", "outputs", ["items"]),
        ("user_tower", "outputs", ["scores"]),
        ("model_int8", "outputs", ["scores"]),
        ("model_int8", "tolerance", 1.5),
        ("model_fp16", "tolerance", None),
        ("step", "inputs", {"events": {}, "exclude": {}, "k": {}, "state_items": {}}),
        ("user_tower", "file", "../user_tower.onnx"),
        ("user_tower", "item_vectors", {"file": "item_vectors.safetensors", "width": 0}),
        ("user_tower", "item_vectors", {"file": "vectors.npy", "width": 8}),
    ],
)
def test_a_graph_that_is_called_otherwise_does_not_fit(
    contract: dict[str, Any], graph: str, key: str, value: Any
) -> None:
    assert graphs_fit(contract)
    contract["graphs"][graph][key] = value
    assert not graphs_fit(contract)
