"""Full ranking: ties against the model, excluded items left out as they are when serving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slmrec.dataset.histories import Histories, Protocol
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.metrics import NEVER_LISTED, means
from slmrec.ranking.ranks import Ranks, rank_targets
from tests.support.histories import histories_of, ring_histories

HISTORIES = histories_of([[2, 3, 4, 5], [5, 4, 3, 2], [2, 2, 2, 6]], max_length=3)
EXCLUDE_SEEN = Protocol("leave_one_out", 3, exclude_seen=True)


class FixedScorer:
    """Gives every input the same scores."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = torch.tensor(scores, dtype=torch.float32)

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return self.scores.repeat(len(rows), 1)


def rank(
    scores: list[float], histories: Histories = HISTORIES, negatives: np.ndarray | None = None
) -> Ranks:
    candidates = candidate_mask(len(scores), np.arange(2, len(scores)))
    return rank_targets(
        FixedScorer(scores), histories, histories.targets["test"], candidates, negatives
    )


def test_a_constant_model_comes_last() -> None:
    ranks = rank([1.0] * 8, negatives=np.array([[6, 7], [6, 7], [5, 7]]))
    assert ranks.full.tolist() == [6, 6, 6]
    assert ranks.sampled is not None
    assert ranks.sampled.tolist() == [3, 3, 3]


def test_a_model_of_nan_comes_last() -> None:
    assert rank([float("nan")] * 8).full.tolist() == [6, 6, 6]


def test_a_single_nan_counts_as_the_greatest_score_of_a_rival_and_as_the_least_of_a_target() -> (
    None
):
    scores = [0, 0, 3.0, 4.0, 5.0, 6.0, float("nan"), 1.0]
    # targets are 5, 2 and 6: only 6 is ahead of 5; 3, 4, 5 and 6 of 2; all others of 6
    assert rank(scores).full.tolist() == [2, 5, 6]


def test_pad_and_unk_never_compete() -> None:
    # targets are 5, 2 and 6; indices 0 and 1 have the highest scores of all
    assert rank([9, 9, 1, 2, 3, 4, 5, 6]).full.tolist() == [3, 6, 2]


def test_seen_items_are_left_out_where_the_protocol_says_so() -> None:
    histories = replace(HISTORIES, protocol=EXCLUDE_SEEN)
    # user 0 has seen 2, 3, 4; only 6 and 7 compete with its target 5
    assert rank([0, 0, 9, 9, 9, 4, 5, 3], histories).full[0] == 2
    assert rank([0, 0, 9, 9, 9, 4, 5, 3], HISTORIES).full[0] == 5


def test_a_target_in_its_own_input_is_a_miss_where_serving_would_never_show_it() -> None:
    repeats = histories_of([[2, 3, 4, 2]], max_length=3)
    best: list[float] = [0, 0, 9, 8, 7, 6, 5, 4]  # the target 2 scores most
    negatives = np.array([[5, 6]])
    excluded = rank(best, replace(repeats, protocol=EXCLUDE_SEEN), negatives)
    assert excluded.full.tolist() == [NEVER_LISTED]
    assert excluded.sampled is not None
    assert excluded.sampled.tolist() == [NEVER_LISTED]
    assert rank(best, repeats).full.tolist() == [1]  # where repeats are kept


def test_a_target_that_is_no_candidate_is_a_miss() -> None:
    candidates = candidate_mask(8, np.array([2, 3, 4]))
    targets = HISTORIES.targets["test"]  # items 5, 2 and 6
    scorer = FixedScorer([0, 0, 1, 2, 3, 9, 9, 9])
    ranks = rank_targets(scorer, HISTORIES, targets, candidates, None)
    assert ranks.full.tolist() == [NEVER_LISTED, 3, NEVER_LISTED]


def test_a_user_with_fewer_negatives_than_others_is_ranked_among_those() -> None:
    negatives = np.array([[6, 7], [6, 0], [0, 0]])  # padded with PAD
    ranks = rank([9, 9, 1, 1, 1, 1, 1, 1], negatives=negatives)
    assert ranks.sampled is not None
    assert ranks.sampled.tolist() == [3, 2, 1]


def test_coverage_counts_items_that_somebody_was_offered() -> None:
    scores = [0.0, 0.0, *np.arange(20, 0, -1.0)]
    assert rank(scores).recommended.tolist() == list(range(2, 12))


def test_a_list_is_shorter_where_fewer_than_ten_items_are_left() -> None:
    histories = replace(histories_of([[2, 3, 4, 5]], max_length=3), protocol=EXCLUDE_SEEN)
    assert rank([9.0] * 8, histories).recommended.tolist() == [5, 6, 7]


def test_targets_that_share_an_input_are_ranked_as_if_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    histories = ring_histories(40, 12, 8)
    scores = list(np.random.default_rng(0).random(14))
    all_at_once = rank(scores, histories).full
    monkeypatch.setattr("slmrec.ranking.inputs.INPUTS_AT_ONCE", 3)
    assert rank(scores, histories).full.tolist() == all_at_once.tolist()


def test_a_perfect_model_has_the_best_of_every_metric() -> None:
    histories = ring_histories(30, 12, 8)
    target_items = torch.from_numpy(histories.target_items(histories.targets["test"]))

    class Oracle:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            return torch.nn.functional.one_hot(target_items[rows], 14).float()

    candidates = candidate_mask(14, histories.items)
    ranks = rank_targets(Oracle(), histories, histories.targets["test"], candidates, None).full
    users = histories.targets["test"].row
    assert means(ranks, users, ("hr@1", "ndcg@10", "mrr")) == pytest.approx(
        {"hr@1": 1, "ndcg@10": 1, "mrr": 1}
    )
