"""Parity: it holds for a right graph, and names the culprit of a wrong one."""

from __future__ import annotations

import functools

import numpy as np
import onnx
import pytest

from slmrec.core.errors import PromiseError
from slmrec.core.vocabulary import PAD
from slmrec.export.graph import MODEL_ALONE
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity, compare_on_grid, scores_by_item, top_k
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.comparison import TopK
from slmrec.runtime.session import RunGraph, open_session, run_graph
from tests.support.bundles import (
    PARAMS,
    ROWS,
    run_small_graph,
    scores_in_torch,
    served_items,
    small_graph,
    small_model,
)

CANDIDATES = candidates_of(served_items())


def graph_with_changed_weight(name: str, place: int, by: float) -> RunGraph:
    """The small graph with one number of one weight changed."""
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    weight = next(
        weight
        for weight in graph.graph.initializer
        if weight.name == name or (name == "feed_forward" and list(weight.dims) == [16, 24])
    )
    values = np.frombuffer(weight.raw_data, dtype=np.float32).copy()
    values[place] += by
    weight.raw_data = values.tobytes()
    return functools.partial(run_graph, open_session(graph.SerializeToString(), "cpu", 1))


def parity_on_grid(run: RunGraph, p: ExportParams = PARAMS) -> Parity:
    parity = Parity(CANDIDATES, p)
    compare_on_grid(small_model(), MODEL_ALONE, run, parity)
    return parity


def test_a_right_graph_agrees_over_every_batch_size_and_length() -> None:
    parity = parity_on_grid(run_small_graph())
    parity.check()
    assert parity.rows == sum(PARAMS.batches) * len(PARAMS.lengths)
    assert 0 < parity.max_difference < PARAMS.max_score_difference
    assert parity.identical == parity.rows


@pytest.mark.parametrize("name", ["columns", "vectors.model.table.rows", "feed_forward"])
def test_a_changed_weight_stops_the_export_and_the_message_names_where(
    name: str,
) -> None:
    parity = parity_on_grid(graph_with_changed_weight(name, 25, 0.05))
    where = r"at batch \d+ x length \d+, row \d+, item index \d+: torch .*, graph .*; torch 2"
    with pytest.raises(PromiseError, match=rf"differ by .*; {where}"):
        parity.check()


def test_the_culprit_is_the_very_item_whose_weight_was_changed() -> None:
    # columns is (width, items): place 25 is dimension 0 of item 25, and nothing else reads it.
    changed = graph_with_changed_weight("columns", 25, 0.05)
    assert "item index 25" in parity_on_grid(changed).worst_case


def test_a_graph_that_forgets_to_mask_is_caught() -> None:
    # Padding gets a finite score: the list of all candidates then holds an item that must not be
    # there.
    parity = Parity(CANDIDATES, PARAMS)
    expected = scores_in_torch([5, 9])[None]
    actual = np.where(CANDIDATES, expected, -np.inf)
    actual[0, PAD] = 1.0
    parity.add(expected, actual, "a case")
    with pytest.raises(PromiseError, match="item index 0: torch -inf, graph 1"):
        parity.check()


def test_a_score_that_is_not_a_number_is_caught() -> None:
    parity = Parity(CANDIDATES, PARAMS)
    expected = scores_in_torch([5, 9])[None]
    actual = np.where(CANDIDATES, expected, -np.inf)
    actual[0, 12] = np.nan
    parity.add(expected, actual, "a case")
    with pytest.raises(PromiseError, match=r"item index 12: .* graph nan"):
        parity.check()


def scores_of_best(first: float, second: float) -> np.ndarray:
    """Scores of 42 rows, of a spread of about 1; items 2 and 3 are best with these scores."""
    scores = np.linspace(-3, 0, ROWS)[None].copy()
    scores[0, 2], scores[0, 3] = first, second
    return np.where(CANDIDATES, scores, -np.inf)


def test_near_ties_that_change_places_are_counted_apart_from_identical_lists() -> None:
    parity = Parity(CANDIDATES, PARAMS)
    parity.add(scores_of_best(5.0, 5.000005), scores_of_best(5.000005, 5.0), "a near-tie")
    assert (parity.identical, parity.near_ties) == (0, 1)
    assert parity.as_json()["same_top10"] == 0.0
    parity.check()


def test_lists_that_differ_by_more_than_near_ties_stop_the_export() -> None:
    # Each score is within the tolerance, but the two items are seven times further apart than a
    # tie.
    parity = Parity(CANDIDATES, PARAMS)
    parity.add(scores_of_best(5.0, 5.00007), scores_of_best(5.00007, 5.0), "a swap")
    assert parity.max_difference < PARAMS.max_score_difference
    with pytest.raises(PromiseError, match=r"only 0\.0000 of 1 rows have the same 10 best items"):
        parity.check()


def test_a_list_of_all_candidates_becomes_scores_by_item() -> None:
    scores = scores_by_item(
        TopK(np.array([[3, 2, PAD]]), np.array([[0.5, 0.25, -np.inf]], dtype=np.float32)), 5
    )
    assert scores.tolist() == [[-np.inf, -np.inf, 0.25, 0.5, -np.inf]]


def test_ties_go_to_the_lower_index_as_in_onnxruntime() -> None:
    top = top_k(np.array([[-np.inf, 1.0, 3.0, 3.0, 2.0]]), 3)
    assert top.items.tolist() == [[2, 3, 4]]
    assert top.scores.tolist() == [[3.0, 3.0, 2.0]]


def test_no_more_items_are_compared_than_there_are_candidates() -> None:
    candidates = np.array([False, False, *[True] * 6])
    parity = Parity(candidates, PARAMS.model_copy(update={"max_score_difference": 9.0}))
    scores = np.where(candidates, np.arange(8.0), -np.inf)[None]
    reversed_scores = np.where(candidates, 9.0 - np.arange(8.0), -np.inf)[None]
    parity.add(scores, reversed_scores, "a case")
    with pytest.raises(PromiseError, match="have the same 6 best items"):
        parity.check()
