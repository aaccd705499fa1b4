"""The graph's own quality on the test targets: what is measured is what is served."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import right_padded
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.export.graph import Additions
from slmrec.export.model_card import GRAPH_NAME
from slmrec.export.parity import Parity, compare_on_grid, scores_by_item
from slmrec.models.factory import SequenceModel
from slmrec.neighbours.blend import NeighbourScores
from slmrec.neighbours.scorers import BlendScorer
from slmrec.ranking.scorers import ModelScorer
from slmrec.runtime.session import RunGraph


class CheckedGraphScorer:
    """Scores histories with the graph; of the batches of test inputs, some are checked by torch."""

    def __init__(
        self, torch_scorer: ModelScorer | BlendScorer, run_graph: RunGraph, parity: Parity
    ) -> None:
        self.torch_scorer = torch_scorer
        self.run_graph = run_graph
        self.parity = parity
        self.batches = 0

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        """Scores of every item; what the graph never recommends has -inf.  # (len(rows), I)"""
        candidates = self.parity.candidates
        # Histories go in whole: cutting them to the model's length is the graph's work.
        items = right_padded(self.torch_scorer.histories, rows, stops, int(stops.max()))
        top = self.run_graph(items, np.zeros((len(rows), 0), np.int64), int(candidates.sum()))
        scores = scores_by_item(top, len(candidates))
        if self.batches % self.parity.p.compare_every == 0:
            self._compare_with_torch(rows, stops, scores)
        self.batches += 1
        return torch.from_numpy(scores)

    def _compare_with_torch(self, rows: np.ndarray, stops: np.ndarray, scores: np.ndarray) -> None:
        users = self.torch_scorer.histories.users[rows]
        expected = self.torch_scorer.score(rows, stops).numpy()
        self.parity.add(expected, scores, f"test inputs of users {users[0]} to {users[-1]}")


def served_scorer(
    model: SequenceModel, neighbours: NeighbourScores | None, histories: Histories
) -> ModelScorer | BlendScorer:
    """What the graph computes, in torch."""
    scorer = ModelScorer(model, histories)
    return scorer if neighbours is None else BlendScorer(scorer, neighbours, histories)


def measure_graph(
    model: SequenceModel,
    additions: Additions,
    run_graph: RunGraph,
    parity: Parity,
    evaluator: Evaluator,
) -> dict[str, Any]:
    """The content of metrics/bundle.json: the graph's quality on the test targets, and its parity.

    Raises PromiseError when graph and torch disagree.
    """
    compare_on_grid(model, additions, run_graph, parity)
    scorer = CheckedGraphScorer(
        served_scorer(model, additions.neighbours, evaluator.histories), run_graph, parity
    )
    ranks = evaluator.rank(scorer)
    parity.check()
    report = evaluator.report(ranks, ParameterCounts.of(model))
    return {"models": {GRAPH_NAME: report}, "parity": parity.as_json()}
