"""A canonical graph says what is computed, and nothing of the process that exported it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import onnx
import pytest
from onnx import TensorProto, helper

from slmrec.export.canonical_graph import canonicalize
from slmrec.export.graph_metadata import stamp
from tests.support.bundles import small_graph


def exported() -> onnx.ModelProto:
    """(x + constant) * table, as an exporter would name it: by counters and attributes."""
    add = helper.make_node("Add", ["x", "val_7"], ["add_31"], name="node_add_31", doc_string="a.py")
    multiply = helper.make_node(
        "Mul", ["add_31", "vectors.model.item_embedding.rows"], ["items"], name="node_mul_32"
    )
    weights = [
        helper.make_tensor("vectors.model.item_embedding.rows", TensorProto.FLOAT, [1], [2.0]),
        helper.make_tensor("vectors.model.norm.weight", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("val_7", TensorProto.FLOAT, [1], [3.0]),
    ]
    graph = helper.make_graph(
        [add, multiply],
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("items", TensorProto.FLOAT, ["batch", "s31"])],
        initializer=weights,
        value_info=[helper.make_tensor_value_info("add_31", TensorProto.FLOAT, ["batch", 1])],
    )
    model = helper.make_model(graph, doc_string="exported on this machine")
    helper.set_model_props(model, {"place": "/home/me"})
    return model


def test_nodes_and_values_are_named_after_their_places_and_outputs_keep_their_names() -> None:
    first, second = canonicalize(exported()).graph.node
    assert (first.name, list(first.output)) == ("Add_0", ["add_0"])
    assert (second.name, list(second.output)) == ("Mul_1", ["items"])
    assert second.input[0] == "add_0"


def test_weights_keep_their_published_names_and_constants_are_named_after_their_places() -> None:
    body = canonicalize(exported()).graph
    names = ["vectors.model.table.rows", "vectors.model.norm.weight", "constant_2"]
    assert [weight.name for weight in body.initializer] == names
    assert (body.node[0].input[1], body.node[1].input[1]) == ("constant_2", names[0])


def test_a_constant_that_torch_named_as_a_value_gets_another_name_than_the_value() -> None:
    model = exported()
    for weight in model.graph.initializer:
        if weight.name == "val_7":
            weight.name = "add_0"  # of a value that was computed while exporting
    model.graph.node[0].input[1] = "add_0"
    first, _second = canonicalize(model).graph.node
    assert (list(first.input), list(first.output)) == (["x", "constant_2"], ["add_0"])


def test_annotations_and_intermediate_shapes_go() -> None:
    model = canonicalize(exported())
    assert not model.metadata_props and not model.doc_string
    assert not model.graph.value_info
    assert not model.graph.node[0].doc_string


def test_the_second_dimension_of_outputs_is_called_k() -> None:
    shape = canonicalize(exported()).graph.output[0].type.tensor_type.shape
    assert [dimension.dim_param for dimension in shape.dim] == ["batch", "k"]


def test_the_graph_is_valid_and_keeps_nothing_of_where_it_was_made() -> None:
    onnx.checker.check_model(small_graph(), full_check=True)
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    graph.graph.ClearField("initializer")
    text = str(graph)
    assert not [
        word
        for word in (
            "/",
            ".py",
            "slmrec",
            "stack_trace",
            "torch.ops",
            "doc_string",
            "metadata_props",
        )
        if word in text
    ]


def test_weights_have_the_names_that_they_had_in_every_bundle_so_far() -> None:
    names = {weight.name for weight in small_graph().graph.initializer}
    model = "vectors.model"
    assert {name for name in names if not name.startswith("constant_")} == {
        "added",
        "columns",
        f"{model}.table.rows",
        f"{model}.norm.weight",
        f"{model}.rotary.inv_freq",
        *(
            f"{model}.layers.{layer}.{norm}.weight"
            for layer in range(2)
            for norm in ("input_layernorm", "post_attention_layernorm")
        ),
    }


DIGEST = """
import hashlib
from slmrec.export.graph_metadata import stamp
from tests.support.bundles import small_graph
print(hashlib.sha256(stamp(small_graph(), {"a": "1"})).hexdigest())
"""


@pytest.mark.acceptance
def test_another_process_exports_the_same_bytes() -> None:
    # Another hash seed: the exporter's own counters follow it.
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    process = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == hashlib.sha256(stamp(small_graph(), {"a": "1"})).hexdigest()
