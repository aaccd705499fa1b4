"""A graph as a scorer gives every item the score that the torch model gives it."""

from __future__ import annotations

import numpy as np

from benchmarks.graph_scorer import GraphScorer
from slmrec.core.vocabulary import FIRST_ITEM
from tests.support import bundles
from tests.support.histories import histories_of


def test_scores_are_those_of_the_model_in_the_items_order() -> None:
    history = [5, 9, 3, 11]
    histories = histories_of([history], bundles.MAX_LENGTH)
    scorer = GraphScorer(bundles.small_session(), histories, bundles.ROWS, bundles.MAX_LENGTH)
    (scores,) = scorer.score(np.array([0]), np.array([3])).numpy()
    in_torch = bundles.scores_in_torch(history[:3])
    listed = np.isfinite(scores)
    assert not listed[:FIRST_ITEM].any()  # PAD and UNK are never recommended
    assert not listed[bundles.RETIRED_ITEM]
    assert listed.sum() == bundles.ROWS - FIRST_ITEM - 1
    np.testing.assert_allclose(scores[listed], in_torch[listed], atol=1e-4)
