"""New items are ranked among all items, and among themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.new_items import MODELS, PARTS, NewItemEvaluation, mean_hit_rates
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.evaluation.evaluator import Evaluator
from tests.support.evaluation import evaluate_params
from tests.support.histories import histories_of

P = evaluate_params(negatives=1, bootstrap=10, recent_days=1, short_history=2)
ITEMS = 40


class FavoursLowItems:
    """Ranks items by their number, lowest first."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return -torch.arange(ITEMS).repeat(len(rows), 1).float()


def test_a_new_item_is_ranked_among_all_and_among_new_items_alone() -> None:
    # Training reads all but the last two items: 2, 3 and 4. Targets: 4, which is known, and 12.
    histories = histories_of([[2, 3, 5, 4], [3, 4, 5, 12]], max_length=6)
    with_title = np.arange(FIRST_ITEM, ITEMS)
    evaluation = NewItemEvaluation(histories, Evaluator(histories, ITEMS, with_title, P))
    assert evaluation.counts() == {"all": 2, "new_items": 1}
    figures = evaluation.measure(FavoursLowItems())
    # Among all items 4 has rank 3 and 12 has rank 11; among new items (5 and on) 12 has rank 8.
    assert figures["all"]["hr@10"] == pytest.approx((1 + 0) / 2)
    assert figures["new_items"]["hr@10"] == 0
    assert figures["new_items_among_themselves"]["hr@10"] == 1
    assert figures["new_items_among_themselves"]["ndcg@10"] == pytest.approx(1 / np.log2(8 + 1))
    assert evaluation.chance() == {
        "all": pytest.approx(10 / 38),  # items 2 to 39
        "new_items": pytest.approx(10 / 38),
        "new_items_among_themselves": pytest.approx(10 / 35),  # without 2, 3 and 4
    }


def test_means_are_over_seeds_model_by_model() -> None:
    def figures(hit_rate: float) -> dict[str, Any]:
        return {"models": {name: {part: {"hr@10": hit_rate} for part in PARTS} for name in MODELS}}

    means = mean_hit_rates({"1": figures(0.1), "2": figures(0.4)})
    assert set(means) == set(MODELS)
    assert means["sasrec"]["all"] == pytest.approx((0.1 + 0.4) / 2)
