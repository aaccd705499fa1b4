"""The search of a blend: what it tries is what would be served, and the best of it is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.blend_search import STARTS, choose_blend, touched_items
from slmrec.neighbours.scorers import BlendScorer
from slmrec.neighbours.table import Neighbours, NeighbourTable
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import Scorer
from tests.support.histories import ring_histories
from tests.support.neighbours import backwards, ring_table

ITEMS = 30
ROWS = ITEMS + 2
HISTORIES = ring_histories(50, ITEMS, 8)
TARGETS = HISTORIES.targets["valid"]
CANDIDATES = candidate_mask(ROWS, np.arange(2, ROWS - 3))  # the last three are never recommended
NEIGHBOURS = Neighbours({"graph": ring_table(ROWS), "titles": ring_table(ROWS)}, 4)


class NoisyScorer:
    """Random scores, the same for the same input."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        of_inputs = [
            np.random.default_rng([row, stop]).normal(size=ROWS)
            for row, stop in zip(rows.tolist(), stops.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(of_inputs)).float()


def searched_ranks(scorer: Scorer, blend: Blend) -> np.ndarray:
    batches = touched_items(scorer, NEIGHBOURS, HISTORIES, TARGETS, CANDIDATES)
    ranks = [batch.ranks(batch.sums(blend.decay), blend.terms) for batch in batches]
    return np.concatenate(ranks)


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_ranks_of_the_search_are_those_of_the_joined_scorer(
    exclude_seen: bool, weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = HISTORIES.protocol.__class__("leave_one_out", 8, exclude_seen)
    monkeypatch.setitem(HISTORIES.__dict__, "protocol", protocol)
    blend = Blend(0.7, {"graph": Term(weight, 0.5), "titles": Term(0.2, 3.0)}, None)
    joined = BlendScorer(NoisyScorer(), NeighbourScores(NEIGHBOURS, blend, None), HISTORIES)
    expected = rank_targets(joined, HISTORIES, TARGETS, CANDIDATES, None).full
    ranks = searched_ranks(NoisyScorer(), blend)
    near = expected <= 10
    assert near.any() and not near.all()
    assert (ranks[near] == expected[near]).all()
    assert (ranks[~near] > 10).all()


def test_neighbours_that_know_the_next_item_are_given_weight() -> None:
    blend, quality = choose_blend(NoisyScorer(), NEIGHBOURS, HISTORIES, TARGETS, CANDIDATES)
    assert quality["with_neighbours"] > 2 * quality["alone"]
    assert blend.terms
    # the next item follows the newest one
    assert blend.decay < min(start.decay for start in STARTS)


class NextOnRing:
    """Knows the next item: nothing can be added."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        newest = torch.from_numpy(HISTORIES.items[HISTORIES.offsets[rows] + stops - 1])
        scores = torch.zeros(len(rows), ROWS)
        scores[torch.arange(len(rows)), (newest - 1) % ITEMS + 2] = 100.0
        return scores


def test_a_perfect_model_is_not_made_worse() -> None:
    _blend, quality = choose_blend(NextOnRing(), NEIGHBOURS, HISTORIES, TARGETS, CANDIDATES)
    assert quality["with_neighbours"] == quality["alone"]


class EveryNeighbourIsWrong(NextOnRing):
    """Knows the next item by so little that any neighbour would stand before it."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return super().score(rows, stops) * 1e-6


@pytest.mark.parametrize("tables", [{"graph": backwards(ROWS)}, {}])
def test_tables_that_do_harm_are_left_out_and_what_is_joined_is_the_model(
    tables: dict[str, NeighbourTable],
) -> None:
    neighbours = Neighbours(tables, 1)
    scorer = EveryNeighbourIsWrong()
    blend, quality = choose_blend(scorer, neighbours, HISTORIES, TARGETS, CANDIDATES)
    assert blend.terms == {}
    assert quality["with_neighbours"] == quality["alone"] > 0.5
    joined = BlendScorer(scorer, NeighbourScores(neighbours, blend, None), HISTORIES)
    first = (TARGETS.row[:3], TARGETS.input_stop[:3])
    assert torch.equal(joined.score(*first), scorer.score(*first))
