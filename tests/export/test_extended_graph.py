"""Graphs with more items: constants grow, and nothing else of a graph changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import PAD
from slmrec.export.extended_graph import (
    Extension,
    NeighbourRows,
    extended_graph,
    item_columns,
    item_rows,
    neighbour_rows,
)
from slmrec.runtime.session import open_session, run_graph
from tests.support.bundles import ROWS
from tests.support.titled_bundles import COUNT, exported, titled_items

NEW = 2
RNG = np.random.default_rng(0)
EXTENSION = Extension(
    old_rows=ROWS,
    old_candidates=titled_items().candidates,
    rows=RNG.normal(size=(NEW, 8)).astype(np.float32),
    columns=RNG.normal(size=(NEW, 8)).astype(np.float32),
    added=np.zeros(NEW, np.float32),
    neighbours=(),
)


def with_terms(*neighbours: NeighbourRows | None) -> Extension:
    return replace(EXTENSION, neighbours=neighbours)


@pytest.mark.acceptance
def test_the_tables_of_a_graph_are_read_back() -> None:
    graph, _ = exported(True)
    ring, titles = neighbour_rows(graph)
    assert (ring.count, titles.count) == (2, COUNT)
    assert ring.items[2].tolist() == [3, 4]  # the next two on the ring
    assert item_rows(graph).shape == (ROWS, 8)
    np.testing.assert_array_equal(item_rows(graph), item_columns(graph).T)


@pytest.mark.acceptance
def test_new_rows_stand_behind_the_old_ones() -> None:
    graph, _ = exported(True)
    longer = extended_graph(graph, with_terms(None, None))
    np.testing.assert_array_equal(item_rows(longer)[:ROWS], item_rows(graph))
    np.testing.assert_array_equal(item_rows(longer)[ROWS:], EXTENSION.rows)
    np.testing.assert_array_equal(item_columns(longer)[:, ROWS:], EXTENSION.columns.T)
    for before, after in zip(neighbour_rows(graph), neighbour_rows(longer), strict=True):
        np.testing.assert_array_equal(after.items[:ROWS], before.items)
        assert (after.items[ROWS:] == PAD).all()


def test_a_new_neighbour_adds_its_weight_to_the_new_item_alone() -> None:
    graph, _ = exported(True)
    _, titles = neighbour_rows(graph)
    items = np.pad(titles.items, ((0, NEW), (0, 1)))
    weights = np.pad(titles.weights, ((0, NEW), (0, 1)))
    items[5, -1], weights[5, -1] = ROWS, 0.3  # the first new item is a neighbour of item 5
    table = NeighbourRows(items, weights, COUNT)
    scores = []
    for neighbours in (None, table):
        longer = extended_graph(graph, with_terms(None, neighbours))
        session = open_session(longer.SerializeToString(), "cpu", 1)
        history = np.array([[5]])
        top = run_graph(session, history, history[:, :0], ROWS + NEW)
        scores.append(dict(zip(top.items[0].tolist(), top.scores[0].tolist(), strict=True)))
    without, together = scores
    # weight * log(1 + sum / epsilon), of the blend's titles: 2 and .1
    assert together[ROWS] - without[ROWS] == pytest.approx(2.0 * np.log1p(0.3 / 0.1), abs=1e-5)
    assert {item for item in together if together[item] != without[item]} == {ROWS}


@pytest.mark.parametrize("name", ["serve_fixed", "user_tower", "step"])
def test_every_further_graph_reads_the_new_items(name: str) -> None:
    _, parts = exported(True)
    longer = extended_graph(parts.graphs[name], with_terms(None, None))
    assert len(item_rows(longer)) == ROWS + NEW
    assert [value.name for value in longer.graph.input] == [
        value.name for value in parts.graphs[name].graph.input
    ]
    open_session(longer.SerializeToString(), "cpu", 1)


def test_a_graph_that_is_not_as_exported_is_refused() -> None:
    graph, _ = exported(True)
    with pytest.raises(BundleError, match="has 2 tables of neighbours, its contract names 1"):
        extended_graph(graph, with_terms(None))
    bare = onnx.ModelProto()
    bare.CopyFrom(graph)
    bare.graph.ClearField("initializer")
    with pytest.raises(BundleError, match="has 0 weights rows, expected one"):
        item_rows(bare)
