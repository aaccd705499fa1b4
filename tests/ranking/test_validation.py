"""The validation figure is NDCG@10 of a fixed sample, with the bonus for new items it chooses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.new_item_bonus import BONUSES
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import ModelScorer
from slmrec.ranking.validation import SampledNdcg
from tests.support.histories import histories_of, ring_histories

ITEMS = 12
NEW = torch.arange(ITEMS) >= 9  # items 9, 10, 11
HISTORIES = histories_of([[2, 3, 9, 4], [5, 4, 10, 2], [2, 6, 3, 11], [7, 8, 4, 5]], max_length=3)


def model_with_text() -> SASRec:
    torch.manual_seed(1)
    item_embedding = ItemEmbedding(~NEW, 8, torch.randn(ITEMS, 6), 0.1)
    return SASRec(item_embedding, 1, 2, 16, 0.0, 3)


def set_bonus(model: SASRec, bonus: float) -> None:
    with torch.no_grad():
        model.item_embedding.new_item_bonus.fill_(bonus)


def test_the_figure_is_ndcg_of_ten_on_the_sampled_validation_targets() -> None:
    torch.manual_seed(1)
    histories = ring_histories(40, ITEMS - 2, 8)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(embedding, 1, 2, 16, 0.0, 8)
    validation = SampledNdcg(histories, embedding, 15, seed=3)
    assert len(validation.targets.row) == 15
    assert set(validation.targets.row) < set(histories.targets["valid"].row)
    candidates = candidate_mask(ITEMS, histories.items)
    scorer = ModelScorer(model, histories)
    ranks = rank_targets(scorer, histories, validation.targets, candidates, None)
    assert validation(model) == mean_ndcg10(ranks.full, validation.targets.row)


def test_items_known_by_their_text_alone_compete() -> None:
    known = histories_of([[2, 3, 5, 4], [5, 4, 6, 2]], max_length=3)
    validation = SampledNdcg(known, model_with_text().item_embedding, 10, seed=1)
    assert np.flatnonzero(validation.candidates.numpy()).tolist() == list(range(2, ITEMS))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bonus_it_leaves_is_the_best_and_gives_its_figure(seed: int) -> None:
    torch.manual_seed(seed)
    model = model_with_text()
    validation = SampledNdcg(HISTORIES, model.item_embedding, 10, seed=1)
    set_bonus(model, 3.0)  # what another training left
    ndcg = validation(model)
    assert float(model.item_embedding.new_item_bonus) in BONUSES
    scorer = ModelScorer(model, HISTORIES)
    ranks = rank_targets(scorer, HISTORIES, validation.targets, validation.candidates, None)
    assert ndcg == pytest.approx(mean_ndcg10(ranks.full, validation.targets.row))
    assert validation(model) == ndcg


def test_the_bonus_is_on_the_scores_of_new_items_alone() -> None:
    model = model_with_text()
    SampledNdcg(HISTORIES, model.item_embedding, 10, seed=1)(model)
    bonus = model.item_embedding.new_item_bonus
    assert (model.item_embedding.bonuses() != 0).tolist() == (NEW & bool(bonus)).tolist()


def test_without_new_items_among_the_targets_there_is_no_bonus() -> None:
    model = model_with_text()
    known = histories_of([[2, 3, 5, 4], [5, 4, 6, 2]], max_length=3)
    set_bonus(model, 3.0)
    SampledNdcg(known, model.item_embedding, 10, seed=1)(model)
    assert float(model.item_embedding.new_item_bonus) == 0
