"""The evaluator, on logs whose answers are known."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
import torch

from slmrec.evaluation.baselines import LastItemTransition, Popularity
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.ranking.ranks import Ranks
from tests.support.evaluation import evaluate_params
from tests.support.histories import histories_of, ring_histories

ITEMS = 14
P = evaluate_params()
NO_ITEMS = np.empty(0, dtype=np.int64)  # known by their text alone
NO_PARAMETERS = ParameterCounts.of()
RING = ring_histories(80, ITEMS - 2, 8)


def test_last_item_transition_knows_the_ring() -> None:
    evaluator = Evaluator(RING, ITEMS, NO_ITEMS, P)
    ranks = evaluator.rank(LastItemTransition(RING, ITEMS))
    assert evaluator.report(ranks, NO_PARAMETERS)["full"]["hr@1"] == 1


def test_a_report_holds_the_metrics_of_its_ranks() -> None:
    histories = histories_of([[2, 3, 4, 5], [5, 4, 3, 2, 4, 3, 4, 2]], max_length=3)
    evaluator = Evaluator(histories, 10, NO_ITEMS, P)
    ranks = Ranks(np.array([1, 3]), np.array([1, 2]), np.array([3, 5]))
    report = evaluator.report(ranks, ParameterCounts(7, 8))
    assert report["full"]["hr@1"] == (1 + 0) / 2
    assert report["full"]["ndcg@10"] == pytest.approx((1 / log2(2) + 1 / log2(4)) / 2)
    assert report["full"]["coverage@10"] == 2 / 4  # 3 and 5 of the four items 2 to 5
    assert report["sampled"]["mrr"] == (1 + 1 / 2) / 2
    assert (report["parameters"], report["table_parameters"]) == (7, 8)
    # only the first user's input is short: three items, where five count as few
    assert report["slices"]["short_history"] == {"targets": 1, "hr@10": 1, "ndcg@10": 1}


def test_a_report_leaves_out_slices_without_a_target_and_a_protocol_without_negatives() -> None:
    evaluator = Evaluator(RING, ITEMS, NO_ITEMS, P)
    everything = np.ones(len(evaluator.targets.row), dtype=np.int64)
    report = evaluator.report(Ranks(everything, None, np.array([2])), NO_PARAMETERS)
    assert "new_items" not in report["slices"]
    assert report["sampled"] == {}


def test_every_figure_lies_where_it_must_and_the_interval_holds_the_mean() -> None:
    evaluator = Evaluator(RING, ITEMS, NO_ITEMS, P)
    report = evaluator.report(evaluator.rank(Popularity(RING, ITEMS, None)), NO_PARAMETERS)
    low, high = report["ci95"]["ndcg@10"]
    assert 0 <= low <= report["full"]["ndcg@10"] <= high <= 1
    assert report["full"]["hr@1"] <= report["full"]["hr@5"] <= report["full"]["hr@10"]


def test_differences_are_of_the_pairs_whose_models_were_both_ranked() -> None:
    evaluator = Evaluator(RING, ITEMS, NO_ITEMS, P)
    popularity = evaluator.rank(Popularity(RING, ITEMS, None))
    transition = evaluator.rank(LastItemTransition(RING, ITEMS))
    differences = evaluator.paired_differences({"teacher": transition, "sasrec": popularity})
    assert set(differences) == {"teacher-sasrec"}
    assert differences["teacher-sasrec"][0] > 0


def test_the_same_evaluation_gives_the_same_figures() -> None:
    reports = []
    for _ in range(2):
        evaluator = Evaluator(RING, ITEMS, NO_ITEMS, P)
        ranks = evaluator.rank(Popularity(RING, ITEMS, None))
        reports.append(evaluator.report(ranks, NO_PARAMETERS))
    assert reports[0] == reports[1]


def test_no_input_holds_the_target_or_anything_after_it() -> None:
    """A scorer that sees the target in its input would be caught: inputs end where they must."""
    scored: list[tuple[int, int]] = []

    class Spy:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            scored.extend(zip(rows.tolist(), stops.tolist(), strict=True))
            return torch.zeros(len(rows), ITEMS)

    Evaluator(RING, ITEMS, NO_ITEMS, P).rank(Spy())
    lengths = np.diff(RING.offsets)
    assert sorted(scored) == [(row, int(length) - 1) for row, length in enumerate(lengths)]


def test_items_known_by_their_text_alone_compete_and_count() -> None:
    histories = histories_of([[2, 3, 4, 5], [5, 4, 3, 2]], max_length=3)
    evaluator = Evaluator(histories, 10, np.array([8]), P)
    assert np.flatnonzero(evaluator.candidates.numpy()).tolist() == [2, 3, 4, 5, 8]
    assert evaluator.protocol()["items"] == 5


def test_the_protocol_says_what_was_measured() -> None:
    histories = histories_of([[2, 3, 4, 5], [5, 4, 3, 2]], max_length=3)
    assert Evaluator(histories, 10, np.array([7, 8]), P).protocol() == {
        "split": "leave_one_out",
        "test_targets": 2,
        "test_users": 2,
        "items": 6,
        "negatives": 3,
        "fewest_negatives": 2,  # each user has met four of the six items
        "seed": 1,
    }


def test_parameters_of_several_models_add_up() -> None:
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(embedding, 1, 2, 16, 0.0, 3)
    single = ParameterCounts.of(model)
    assert single.table == ITEMS * 8
    assert single.model == sum(weight.numel() for weight in model.parameters()) - ITEMS * 8
    assert ParameterCounts.of(model, model) == ParameterCounts(2 * single.model, 2 * single.table)
    assert ParameterCounts(0, 0) == NO_PARAMETERS
