"""Full ranking: ties against the model, seen items left out, inputs cut to the newest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slmrec.dataset.batches import right_padded
from slmrec.dataset.histories import Protocol
from slmrec.ranking.metrics import means
from slmrec.ranking.ranks import candidate_mask, rank_targets, sample_targets
from tests.support.histories import histories_of, ring_histories

HISTORIES = histories_of([[2, 3, 4, 5], [5, 4, 3, 2], [2, 2, 2, 6]], max_length=3)


class FixedScorer:
    """Gives every input the same scores."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = torch.tensor(scores, dtype=torch.float32)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return self.scores.repeat(len(rows), 1)


def rank(scores: list[float], histories=HISTORIES, negatives=None):
    candidates = candidate_mask(len(scores), np.arange(2, len(scores)))
    return rank_targets(
        FixedScorer(scores), histories, histories.targets["test"], candidates, negatives
    )


def test_a_constant_model_comes_last():
    ranks = rank([1.0] * 8, negatives=np.array([[6, 7], [6, 7], [5, 7]]))
    assert ranks.full.tolist() == [6, 6, 6]
    assert ranks.sampled is not None and ranks.sampled.tolist() == [3, 3, 3]


def test_a_model_of_nan_comes_last():
    assert rank([float("nan")] * 8).full.tolist() == [6, 6, 6]


def test_pad_and_unk_never_compete():
    # targets are 5, 2 and 6; index 0 and 1 have the highest scores of all
    assert rank([9, 9, 1, 2, 3, 4, 5, 6]).full.tolist() == [3, 6, 2]


def test_seen_items_are_left_out_where_the_protocol_says_so():
    histories = replace(HISTORIES, protocol=Protocol("leave_one_out", 3, exclude_seen=True))
    # user 0 has seen 2, 3, 4; only 6 and 7 compete with its target 5
    assert rank([0, 0, 9, 9, 9, 4, 5, 3], histories).full[0] == 2
    assert rank([0, 0, 9, 9, 9, 4, 5, 3], HISTORIES).full[0] == 5


def test_coverage_counts_items_that_somebody_was_offered():
    scores = [0.0, 0.0, *np.arange(20, 0, -1.0)]
    assert rank(scores).recommended.tolist() == list(range(2, 12))


def test_inputs_are_the_newest_items_before_the_stop_padded_on_the_right():
    rows, stops = np.array([0, 2, 1]), np.array([4, 2, 1])
    assert right_padded(HISTORIES, rows, stops, max_length=3).tolist() == [
        [3, 4, 5],
        [2, 2, 0],
        [5, 0, 0],
    ]


def test_targets_that_share_an_input_are_ranked_as_if_alone(monkeypatch):
    histories = ring_histories(40, 12, 8)
    scores = list(np.random.default_rng(0).random(14))
    together = rank(scores, histories).full
    monkeypatch.setattr("slmrec.ranking.ranks.INPUTS_AT_ONCE", 3)
    assert rank(scores, histories).full.tolist() == together.tolist()


def test_a_sample_takes_one_target_of_every_user_before_a_second_of_any():
    targets = histories_of([[2, 3, 4, 5]] * 4, 3).targets["test"]
    many = replace(
        targets, row=np.repeat(np.arange(4), 5), position=np.arange(20), input_stop=np.arange(20)
    )
    assert sorted(sample_targets(many, 4, seed=1).row.tolist()) == [0, 1, 2, 3]
    assert np.bincount(sample_targets(many, 11, seed=1).row).tolist() in (
        [3, 3, 3, 2],
        [3, 3, 2, 3],
        [3, 2, 3, 3],
        [2, 3, 3, 3],
    )
    assert len(sample_targets(many, 99, seed=1).row) == 20


def test_a_sample_of_fewer_than_all_users_favours_none():
    targets = histories_of([[2, 3, 4, 5]] * 10, 3).targets["test"]
    drawn = np.concatenate([sample_targets(targets, 3, seed).row for seed in range(300)])
    assert np.bincount(drawn, minlength=10).min() > 50  # 90 are expected of each


def test_ranks_of_a_perfect_and_of_the_worst_model_are_the_ends_of_every_measure():
    histories = ring_histories(30, 12, 8)
    wanted = histories.items[histories.offsets[1:] - 1]

    class Oracle:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            return torch.nn.functional.one_hot(torch.from_numpy(wanted[rows]), 14).float()

    candidates = candidate_mask(14, histories.items)
    ranks = rank_targets(Oracle(), histories, histories.targets["test"], candidates, None).full
    users = histories.targets["test"].row
    assert means(ranks, users, ("hr@1", "ndcg@10", "mrr")) == pytest.approx(
        {"hr@1": 1, "ndcg@10": 1, "mrr": 1}
    )
