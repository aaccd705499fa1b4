"""Graphs cut from model.onnx answer as it does, without what they do not need."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from slmrec.export.derived_graphs import fixed_list_graph, made_of, user_tower_graph
from slmrec.runtime.further_checks import run_fixed
from slmrec.runtime.session import embed_users, open_session
from tests.support.bundles import run_on, run_small_graph, small_graph, small_model


def names(graph: onnx.ModelProto) -> set[str]:
    return {weight.name for weight in graph.graph.initializer}


def test_a_fixed_list_has_its_length_whatever_is_asked_and_needs_no_scalar() -> None:
    fixed = fixed_list_graph(small_graph(), 12)
    onnx.checker.check_model(fixed)
    session = open_session(fixed.SerializeToString(), "cpu", 1)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [
        ("history", ["batch", "time"]),
        ("exclude", ["batch", "excluded"]),
    ]
    assert [value.shape for value in session.get_outputs()] == [["batch", 12]] * 2
    history, exclude = np.array([[5, 9, 3], [4, 0, 0]]), np.array([[5, 9], [11, 0]])
    expected = run_small_graph()(history, exclude, 12)
    top = run_fixed(session)(history, exclude, 12)
    assert top.items.tolist() == expected.items.tolist()
    np.testing.assert_array_equal(top.scores, expected.scores)


def test_the_length_of_a_fixed_list_is_a_constant_and_nothing_else_is_left_of_k() -> None:
    fixed = fixed_list_graph(small_graph(), 12).graph
    (best,) = [node for node in fixed.node if node.op_type == "TopK"]
    assert best.input[1] in {weight.name for weight in fixed.initializer}
    assert len(fixed.node) < len(small_graph().graph.node)
    assert not [node for node in fixed.node if "k" in node.input]


@pytest.mark.parametrize("extended", [False, True])
def test_a_user_tower_gives_the_models_vector_and_carries_no_table_of_scores(
    extended: bool,
) -> None:
    width = 8 + extended
    tower = user_tower_graph(small_graph(), width, extended)
    onnx.checker.check_model(tower)
    assert "columns" in names(small_graph())
    assert not {"columns", "added"} & names(tower)
    session = open_session(tower.SerializeToString(), "cpu", 1)
    assert session.get_outputs()[0].shape == ["batch", width]
    vectors = embed_users(session, np.array([[5, 9, 3], [4, 0, 0]]))
    with torch.inference_mode():
        expected = small_model()(torch.tensor([[5, 9, 3]]))[0, -1].numpy()
    np.testing.assert_allclose(vectors[0, :8], expected, rtol=1e-4, atol=1e-5)
    assert vectors[:, 8:].tolist() == [[1.0]] * 2 if extended else vectors.shape == (2, 8)


def test_cutting_leaves_the_graph_as_it_was() -> None:
    before = small_graph().SerializeToString(deterministic=True)
    fixed_list_graph(small_graph(), 3)
    user_tower_graph(small_graph(), 9, True)
    assert small_graph().SerializeToString(deterministic=True) == before
    assert run_on([[5, 9]], k=3).items.shape == (1, 3)


def test_what_a_list_s_length_is_made_of_is_k_and_constants() -> None:
    (best,) = [node for node in small_graph().graph.node if node.op_type == "TopK"]
    found = made_of(small_graph().graph, [best.input[1]])
    assert "k" in found
    assert not {"history", "exclude"} & found
