"""Scores of histories: the user vector at the newest item times the item vectors, plus a bonus."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.ranking.scorers import EnsembleScorer, ModelScorer
from tests.support.histories import histories_of

ITEMS = 12
HISTORIES = histories_of([[2, 3, 9, 4, 5], [5, 4, 10, 2], [2, 6, 3]], max_length=3)
ROWS, STOPS = np.array([0, 1, 2]), np.array([4, 1, 2])
INPUTS = [[3, 9, 4], [5], [2, 6]]  # the newest three items before each stop


def sasrec(seed: int) -> SASRec:
    torch.manual_seed(seed)
    trained = torch.arange(ITEMS) < 10
    return SASRec(ItemEmbedding(trained, 8, torch.randn(ITEMS, 6), 0.0), 1, 2, 16, 0.5, 3)


def test_a_score_is_the_user_vector_at_the_newest_item_times_the_item_vector() -> None:
    model = sasrec(1)
    scores = ModelScorer(model, HISTORIES).score(ROWS, STOPS)
    assert not model.training, "dropout would draw"
    with torch.no_grad():
        vectors = model.item_embedding.folded()
        for line, items in enumerate(INPUTS):
            expected = model(torch.tensor([items]))[0, -1] @ vectors.T
            torch.testing.assert_close(scores[line], expected)


def test_items_without_a_training_event_get_the_bonus_on_top() -> None:
    model = sasrec(1)
    plain = ModelScorer(model, HISTORIES).score(ROWS, STOPS)
    with torch.no_grad():
        model.item_embedding.new_item_bonus.fill_(1.5)
    bonus = ModelScorer(model, HISTORIES).score(ROWS, STOPS) - plain
    expected = torch.tensor([0.0] * 10 + [1.5] * 2).expand(3, -1)
    torch.testing.assert_close(bonus, expected, rtol=0, atol=1e-5)


def test_an_ensemble_scores_with_the_mean_of_its_members() -> None:
    members = [ModelScorer(sasrec(seed), HISTORIES) for seed in (1, 2, 3)]
    member_scores = [member.score(ROWS, STOPS) for member in members]
    ensemble_scores = EnsembleScorer(members).score(ROWS, STOPS)
    torch.testing.assert_close(
        ensemble_scores, (member_scores[0] + member_scores[1] + member_scores[2]) / 3
    )
