"""The graph's own quality: measured through the graph, with some batches checked by torch."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from slmrec.core.errors import PromiseError
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export.graph import MODEL_ALONE, Additions, export_graph
from slmrec.export.graph_quality import CheckedGraphScorer, measure_graph
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity
from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.table import Neighbours
from slmrec.neighbours.trend import Trend
from slmrec.ranking.scorers import ModelScorer
from slmrec.runtime.comparison import TopK
from slmrec.runtime.session import open_session, run_graph
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    RETIRED_ITEM,
    ROWS,
    run_small_graph,
    scores_in_torch,
    served_items,
    small_model,
)
from tests.support.evaluation import evaluate_params
from tests.support.histories import histories_of, ring_histories
from tests.support.neighbours import ring_table

CANDIDATES = candidates_of(served_items())
HISTORIES = ring_histories(40, ROWS - 2, MAX_LENGTH)
EVALUATE = evaluate_params(seed=4, negatives=9, bootstrap=50, short_history=3)


def test_the_graphs_quality_and_parity_are_measured() -> None:
    # 40 users who walk a ring of the items have one target each, beside the rows of the grid.
    evaluator = Evaluator(HISTORIES, ROWS, np.empty(0, dtype=np.int64), EVALUATE)
    parity = Parity(CANDIDATES, PARAMS)
    measured = measure_graph(small_model(), MODEL_ALONE, run_small_graph(), parity, evaluator)
    report = measured["models"]["student_onnx"]
    assert set(report) >= {"full", "sampled", "ci95", "slices", "parameters"}
    assert measured["parity"]["rows"] == 40 + sum(PARAMS.batches) * len(PARAMS.lengths)
    assert measured["parity"]["same_top10"] == 1.0
    assert json.loads(json.dumps(measured)) == measured


def test_a_graph_with_neighbours_gives_the_scores_of_model_and_neighbours() -> None:
    blend = Blend(0.7, {"graph": Term(3.0, 0.2), "titles": Term(1.0, 0.5)}, Trend(0.1, 1.0, 1.0))
    tables = {"graph": ring_table(ROWS), "titles": ring_table(ROWS)}
    neighbours = NeighbourScores.of(Neighbours(tables, 4), blend, HISTORIES, ROWS)
    additions = Additions(neighbours)
    graph = export_graph(small_model(), torch.from_numpy(CANDIDATES), PARAMS.opset, additions)
    run = partial(run_graph, open_session(graph.SerializeToString(), "cpu", 1))
    evaluator = Evaluator(HISTORIES, ROWS, np.empty(0, dtype=np.int64), EVALUATE)
    measured = measure_graph(small_model(), additions, run, Parity(CANDIDATES, PARAMS), evaluator)
    assert measured["parity"]["same_top10"] == 1.0
    # users walk the ring that the tables know
    alone = measure_graph(
        small_model(), MODEL_ALONE, run_small_graph(), Parity(CANDIDATES, PARAMS), evaluator
    )
    gain = _ndcg(measured) - _ndcg(alone)
    assert gain > 0.3


def _ndcg(measured: dict[str, Any]) -> float:
    return float(measured["models"]["student_onnx"]["full"]["ndcg@10"])


def test_a_graph_that_disagrees_with_torch_is_not_measured() -> None:
    def ten_percent_higher(history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        top = run_small_graph()(history, exclude, k)
        return TopK(top.items, top.scores * np.float32(1.1))

    histories = ring_histories(5, ROWS - 2, MAX_LENGTH)
    evaluator = Evaluator(histories, ROWS, np.empty(0, dtype=np.int64), EVALUATE)
    parity = Parity(CANDIDATES, PARAMS)
    with pytest.raises(PromiseError, match="graph and torch differ"):
        measure_graph(small_model(), MODEL_ALONE, ten_percent_higher, parity, evaluator)


def scorer(compare_every: int) -> CheckedGraphScorer:
    histories = histories_of([[5, 9, 3, 8], [2, 4, 6, 9, 10]], MAX_LENGTH)
    p = PARAMS.model_copy(update={"compare_every": compare_every})
    torch_scorer = ModelScorer(small_model(), histories)
    return CheckedGraphScorer(torch_scorer, run_small_graph(), Parity(CANDIDATES, p))


def test_scores_are_the_models_and_what_is_never_recommended_has_none() -> None:
    scores = scorer(1).score(np.array([0, 1]), np.array([3, 2]))
    expected = torch.from_numpy(np.stack([scores_in_torch([5, 9, 3]), scores_in_torch([2, 4])]))
    expected[:, [0, 1, RETIRED_ITEM]] = -torch.inf
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("compare_every", "compared_batches"), [(1, 5), (2, 3), (5, 1)])
def test_every_so_many_batches_are_compared_with_torch(
    compare_every: int, compared_batches: int
) -> None:
    checked = scorer(compare_every)
    for _ in range(5):
        checked.score(np.array([0, 1]), np.array([3, 2]))
    assert checked.parity.rows == 2 * compared_batches
