"""Neighbours as scorers: alone, and joined to a model."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch

from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.scorers import BlendScorer, NeighbourScorer
from slmrec.neighbours.table import Neighbours
from tests.support.histories import histories_of
from tests.support.neighbours import ring_table

ROWS = 8
HISTORIES = histories_of([[2, 3, 3, 4, 5], [3, 6, 7]], max_length=3)
NEIGHBOURS = Neighbours({"graph": ring_table(ROWS)}, 2)
FIRST = (np.array([0]), np.array([4]))  # the first user after 2, 3, 3, 4


class ZeroScorer:
    """Gives every item the same score."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return torch.zeros(len(rows), ROWS)


def test_alone_they_score_by_their_sums() -> None:
    scores = NeighbourScorer(NEIGHBOURS, "graph", 0.5, HISTORIES).score(*FIRST)[0]
    # 5 and 6 follow 4; 4 and 5 follow 3, one step older
    assert scores[5].item() == pytest.approx(1.0 + 0.5 * 0.5)
    assert scores[6].item() == pytest.approx(0.5)
    assert scores[4].item() == pytest.approx(0.5 * 1.0)


def test_among_items_that_are_nobodys_neighbours_the_more_popular_one_is_ahead() -> None:
    scores = NeighbourScorer(NEIGHBOURS, "graph", 0.5, HISTORIES).score(*FIRST)[0]
    # training events: 3 has three (two of the first user, one of the second), 2 has one, 7 none
    assert scores[3] > scores[2] > scores[7] == 0
    assert scores[3] < 1e-5  # no neighbour's weight is as small


def test_joined_they_add_to_a_models_scores() -> None:
    blend = Blend(0.5, {"graph": Term(1.0, 1.0)}, None)
    scorer = BlendScorer(ZeroScorer(), NeighbourScores(NEIGHBOURS, blend, None), HISTORIES)
    assert scorer.score(*FIRST)[0, 6].item() == pytest.approx(log(1.5))


def test_no_more_is_read_than_a_model_reads() -> None:
    histories = histories_of([[2, 3, 3, 4, 5]], max_length=1)
    blend = Blend(1.0, {"graph": Term(1.0, 1.0)}, None)
    scorer = BlendScorer(ZeroScorer(), NeighbourScores(NEIGHBOURS, blend, None), histories)
    assert scorer.score(*FIRST)[0, 4].item() == 0  # it follows 3, the item before the newest
