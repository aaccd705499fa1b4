"""Items without a training event: their bonus is chosen on validation, changes only their standing, and reaches the graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slmrec.dataset.histories import Protocol
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import load_model, save_model
from slmrec.ranking.new_item_bonus import BONUSES, chosen_bonus, quality_by_bonus, ranks_by_bonus
from slmrec.ranking.ranks import candidate_mask, rank_targets
from slmrec.ranking.validation import SampledNdcg
from tests.support.histories import histories_of

ITEMS = 12
NEW = torch.arange(ITEMS) >= 9  # items 9, 10, 11
HISTORIES = histories_of([[2, 3, 9, 4], [5, 4, 10, 2], [2, 6, 3, 11], [7, 8, 4, 5]], max_length=3)
CANDIDATES = candidate_mask(ITEMS, np.arange(2, ITEMS))


class AddingScorer:
    """Random scores of every input, some of them tied, plus a bonus on some items."""

    def __init__(
        self, added: torch.Tensor
    ) -> None:  # thirds, which floating point cannot say exactly
        self.added = added

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        random = np.random.default_rng([*rows, *stops])
        return torch.from_numpy(random.integers(-8, 8, (len(rows), ITEMS)) / 3).float() + self.added


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("part", ["valid", "test"])
def test_ranks_are_those_of_full_ranking_with_the_bonus_added(part, exclude_seen):
    histories = replace(HISTORIES, protocol=Protocol("leave_one_out", 3, exclude_seen=exclude_seen))
    targets = histories.targets[part]
    found = ranks_by_bonus(AddingScorer(torch.zeros(ITEMS)), histories, targets, CANDIDATES, NEW)
    for place, bonus in enumerate(BONUSES):
        expected = rank_targets(
            AddingScorer(bonus * NEW), histories, targets, CANDIDATES, None
        ).full
        assert found[:, place].tolist() == expected.tolist()


def test_quality_depends_on_the_bonus():
    quality = quality_by_bonus(
        AddingScorer(torch.zeros(ITEMS)), HISTORIES, HISTORIES.targets["valid"], CANDIDATES, NEW
    )
    assert quality.shape == BONUSES.shape
    assert quality[-1] != quality[0]


def test_the_bonus_is_the_largest_that_costs_no_more_than_allowed():
    quality = np.array([0.98, 1.0, 0.995, 0.95, 0.96, 0.2])
    assert [chosen_bonus(quality, cost) for cost in (0.0, 0.01, 0.05)] == [1, 2, 4]


def model_with_text() -> SASRec:
    torch.manual_seed(1)
    table = ItemEmbedding(~NEW, 8, torch.randn(ITEMS, 6), 0.1)
    return SASRec(table, 1, 2, 16, 0.0, 3)


def test_validation_leaves_the_best_bonus_in_the_table_and_reports_its_figure():
    model = model_with_text()
    validation = SampledNdcg(HISTORIES, model.item_embedding, 10, seed=1)
    with torch.no_grad():
        model.item_embedding.new_item_bonus.fill_(3.0)  # what another training left
    found = validation(model)
    assert float(model.item_embedding.new_item_bonus) in BONUSES
    assert validation(model) == found
    assert (model.item_embedding.bonuses() != 0).tolist() == (
        NEW & bool(model.item_embedding.new_item_bonus)
    ).tolist()


def test_a_saved_model_keeps_its_bonus_and_what_new_items_may_cost(tmp_path):
    model = model_with_text()
    model.item_embedding.new_items_may_cost = 0.05
    with torch.no_grad():
        model.item_embedding.new_item_bonus.fill_(1.5)
    save_model(model, tmp_path)
    table = load_model(tmp_path).item_embedding
    assert table.new_items_may_cost == 0.05
    assert torch.equal(table.bonuses(), 1.5 * NEW)


def test_without_new_items_among_the_targets_there_is_no_bonus():
    model = model_with_text()
    known = histories_of([[2, 3, 5, 4], [5, 4, 6, 2]], max_length=3)
    with torch.no_grad():
        model.item_embedding.new_item_bonus.fill_(3.0)
    SampledNdcg(known, model.item_embedding, 10, seed=1)(model)
    assert float(model.item_embedding.new_item_bonus) == 0
