"""What layers keep of events stands for the events, and the graphs of it run at any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.graph import MODEL_ALONE, Additions, ServingGraph
from slmrec.export.step_graph import INPUTS, StepGraph, step_graph
from slmrec.export.step_layers import step_layers
from slmrec.models.low_pass import LowPassShape
from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.table import Neighbours
from slmrec.runtime.session import open_session
from tests.support.bundles import MAX_LENGTH, PARAMS, ROWS, small_model, small_sasrec
from tests.support.neighbours import ring_table

CANDIDATES = torch.arange(ROWS) >= FIRST_ITEM


def nothing(rows: int) -> torch.Tensor:
    return torch.zeros(rows, 0, dtype=torch.long)


def test_a_filter_keeps_what_it_reads_beside_keys_and_values() -> None:
    assert step_layers(small_model(), MAX_LENGTH).kept_shape == (2, 2, 2, 8)
    assert step_layers(small_sasrec(None), MAX_LENGTH).kept_shape == (2, 2, 2, 4)
    filtered = small_sasrec(LowPassShape(0.5, 3))
    assert step_layers(filtered, MAX_LENGTH).kept_shape == (2, 3, 2, 4)


@pytest.mark.parametrize("low_pass", [None, LowPassShape(0.5, 3)])
def test_events_read_at_once_have_the_states_of_the_whole_model(
    low_pass: LowPassShape | None,
) -> None:
    model, events = small_sasrec(low_pass), torch.tensor([[5, 9, 3, 8], [4, 6, 7, 2]])
    layers = step_layers(model, MAX_LENGTH)
    slots = torch.arange(4).expand(2, 4)
    window = torch.zeros(2, 1, 4, MAX_LENGTH, dtype=torch.bool)  # nobody has earlier events
    mask = torch.cat([window, torch.ones(4, 4).tril().bool().expand(2, 1, 4, 4)], dim=3)
    count, kept, heads, width = layers.kept_shape
    past = torch.zeros(count, kept, 2, heads, MAX_LENGTH, width)
    with torch.inference_mode():
        states, _kept = layers(events, slots, mask, past)
        torch.testing.assert_close(layers.vectors(states), model(events), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("with_neighbours", [False, True])
def test_the_graph_of_a_filter_runs_in_onnxruntime_at_any_length(with_neighbours: bool) -> None:
    model = small_sasrec(LowPassShape(0.5, 3))
    blend = Blend(0.5, {"graph": Term(1.0, 0.5), "transitions": Term(1.0, 0.5)}, None)
    tables = Neighbours({"graph": ring_table(ROWS), "transitions": ring_table(ROWS)}, 3)
    added = Additions(NeighbourScores(tables, blend, None), torch.arange(ROWS) / 10)
    additions = added if with_neighbours else MODEL_ALONE
    graph = step_graph(model, CANDIDATES, PARAMS.opset, additions).SerializeToString()
    session = open_session(graph, "cpu", 1)
    whole = ServingGraph(model, CANDIDATES, additions).eval()
    for length in range(1, MAX_LENGTH + 1):
        history = torch.arange(FIRST_ITEM, FIRST_ITEM + length)[None]
        items = np.zeros((1, MAX_LENGTH), np.int64)
        state = np.zeros((1, *StepGraph(model, CANDIDATES, MODEL_ALONE).state_shape), np.float32)
        inputs = (history.numpy(), np.zeros((1, 0), np.int64), np.int64(5), items, state)
        best, scores, *_ = session.run(
            None, dict(zip(INPUTS, map(np.asarray, inputs), strict=True))
        )
        with torch.inference_mode():
            expected, expected_scores = whole(history, nothing(1), torch.tensor(5))
        assert best.tolist() == expected.tolist()
        np.testing.assert_allclose(scores, expected_scores, rtol=1e-4, atol=1e-5)
