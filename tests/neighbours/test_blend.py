"""What neighbours of the newest items add to a model's scores."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest
import torch

from slmrec.neighbours.blend import Blend, NeighbourScores, Term, newest_first
from slmrec.neighbours.table import Neighbours
from slmrec.neighbours.trend import Trend
from tests.support.neighbours import ring_table

ROWS = 8  # items 2 to 7 on a ring
BLEND = Blend(0.5, {"graph": Term(weight=2.0, epsilon=0.25)}, None)


def joined(
    history: list[int],
    newest: int = 3,
    blend: Blend = BLEND,
    trend: torch.Tensor | None = None,
) -> list[float]:
    """Scores of a model that gives every item its index."""
    tables = {source: ring_table(ROWS) for source in blend.terms}
    scores = NeighbourScores(Neighbours(tables, newest), blend, trend)
    items = torch.tensor([[*history, 0, 0]])
    last = torch.tensor([len(history) - 1])
    return scores(torch.arange(float(ROWS))[None], items, last)[0].tolist()


def added(total: float) -> float:
    return 2.0 * log(1 + total / 0.25)


def test_neighbours_of_the_newest_item_gain_by_their_weight() -> None:
    expected = [0, 1, 2, 3, 4, 5 + added(1.0), 6 + added(0.5), 7]
    assert joined([4]) == pytest.approx(expected)


def test_an_older_item_counts_less_and_sums_come_before_the_logarithm() -> None:
    # 6 follows 5 (weight 1), and is two after 4, which is one step older (.5 * .5)
    scores = joined([4, 5])
    assert scores[6] == pytest.approx(6 + added(1.0 + 0.5 * 0.5))
    assert scores[7] == pytest.approx(7 + added(0.5))
    assert scores[5] == pytest.approx(5 + added(0.5 * 1.0))


def test_items_before_the_newest_ones_are_not_read() -> None:
    assert joined([2, 4, 5], newest=2) == joined([4, 5], newest=2)


def test_an_unknown_item_has_no_neighbours() -> None:
    assert joined([1]) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_tables_add_their_own_terms() -> None:
    both = Blend(0.5, {"graph": Term(2.0, 0.25), "titles": Term(1.0, 1.0)}, None)
    assert joined([4], blend=both)[5] == pytest.approx(5 + added(1.0) + log(2.0))


def test_a_blend_without_terms_adds_nothing() -> None:
    assert joined([4], blend=Blend(0.5, {}, None)) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_masked_item_stays_masked() -> None:
    scores = NeighbourScores(Neighbours({"graph": ring_table(ROWS)}, 1), BLEND, None)
    masked = torch.full((1, ROWS), -torch.inf)
    assert scores(masked, torch.tensor([[4]]), torch.tensor([0])).max() == -torch.inf


def test_newest_first_reads_backwards_and_fills_with_pad() -> None:
    items = torch.tensor([[5, 6, 7, 0], [3, 0, 0, 0]])
    assert newest_first(items, torch.tensor([2, 0]), 2).tolist() == [[7, 6], [3, 0]]


def test_a_trend_is_added_to_every_item_before_its_neighbours() -> None:
    trend = torch.arange(float(ROWS)) / 10
    scores = joined([4], trend=trend)
    assert scores[2] == pytest.approx(2.2)
    assert scores[5] == pytest.approx(5.5 + added(1.0))


@pytest.mark.parametrize("trend", [None, Trend(0.1, 5.0, 0.75)])
def test_a_blend_survives_json(trend: Trend | None) -> None:
    blend = replace(BLEND, trend=trend)
    assert Blend.of_json(blend.as_json()) == blend
