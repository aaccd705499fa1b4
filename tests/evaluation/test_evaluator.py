"""Baselines and the whole evaluator, on logs whose answers are known."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.evaluation.baselines import DAY_MICROSECONDS, LastItemTransition, Popularity
from slmrec.evaluation.evaluator import Evaluator, Parameters, draw_negatives, slices_of
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.ranks import candidate_mask
from slmrec.stages.evaluate import ranked
from tests.support.histories import histories_of, ring_histories

ITEMS = 14
P = EvaluateParams(
    seed=1, negatives=3, bootstrap=200, recent_days=30, short_history=5, tail_share=0.2
)
NOTHING = np.empty(0, dtype=np.int64)  # items known by their text alone
RING = ring_histories(80, ITEMS - 2, 8)


def test_popularity_counts_training_events_and_nothing_after_them():
    histories = histories_of([[2, 3, 2, 4, 5], [2, 3, 6, 4]], max_length=9)
    assert Popularity(histories, 8, None).counts.tolist() == [0, 0, 3, 2, 0, 0, 0, 0]


def test_recent_popularity_forgets_what_is_older_than_its_days():
    histories = histories_of([[2, 2, 3, 9, 9]], max_length=9)
    histories.times[:] = np.array([0, 1, 40, 41, 42]) * DAY_MICROSECONDS
    assert Popularity(histories, 10, 30).counts.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_last_item_transition_knows_the_ring():
    evaluator = Evaluator(RING, ITEMS, NOTHING, P)
    measured = evaluator.report(evaluator.rank(LastItemTransition(RING, ITEMS)), Parameters(0, 0))
    assert measured["full"]["hr@1"] == 1


def test_a_transition_that_never_happened_falls_back_to_popularity():
    histories = histories_of([[2, 3, 4, 4], [2, 3, 3, 4]], max_length=9)
    scores = LastItemTransition(histories, 6).score(np.array([0]), np.array([3]))[0]
    assert scores.argmax() in (2, 3) and scores[5] == 0


def test_negatives_are_drawn_once_and_never_from_what_the_user_met():
    candidates = candidate_mask(ITEMS, np.arange(2, ITEMS)).numpy()
    histories = histories_of([[2, 3, 4, 5], [5, 4, 3, 2]], max_length=3)
    drawn = draw_negatives(histories, candidates, P)
    assert drawn.tolist() == draw_negatives(histories, candidates, P).tolist()
    assert not set(drawn.ravel().tolist()) & {0, 1, 2, 3, 4, 5}
    assert all(len(set(row)) == 3 for row in drawn.tolist())


def test_slices_hold_short_inputs_rare_items_and_new_items():
    histories = histories_of([[2, 2, 2, 3, 4, 4, 9], [2, 3, 3]], max_length=9)
    slices = slices_of(histories, histories.targets["test"], 10, P)
    assert slices["short_history"].tolist() == [False, True]
    assert slices["new_items"].tolist() == [True, False]
    assert slices["tail_items"].tolist() == [False, True]


def test_every_figure_lies_where_it_must_and_the_interval_holds_the_mean():
    evaluator = Evaluator(RING, ITEMS, NOTHING, P)
    popularity, transition = (
        evaluator.rank(Popularity(RING, ITEMS, None)),
        evaluator.rank(LastItemTransition(RING, ITEMS)),
    )
    measured = evaluator.report(popularity, Parameters(1, 2))
    low, high = measured["ci95"]["ndcg@10"]
    assert 0 <= low <= measured["full"]["ndcg@10"] <= high <= 1
    assert measured["full"]["hr@1"] <= measured["full"]["hr@5"] <= measured["full"]["hr@10"]
    compared = evaluator.paired_differences({"teacher": transition, "sasrec": popularity})
    assert set(compared) == {"teacher-sasrec"} and compared["teacher-sasrec"][0] > 0


def test_the_same_examination_gives_the_same_figures():
    first, second = (Evaluator(RING, ITEMS, NOTHING, P) for _ in range(2))
    one, other = (
        each.report(each.rank(Popularity(RING, ITEMS, None)), Parameters(0, 0))
        for each in (first, second)
    )
    assert one == other


def test_no_input_holds_the_target_or_anything_after_it():
    """A scorer that sees the target in its input would be caught: inputs end where the protocol says."""
    seen: list[tuple[int, int]] = []

    class Spy:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            seen.extend(zip(rows.tolist(), stops.tolist(), strict=True))
            return torch.zeros(len(rows), ITEMS)

    Evaluator(RING, ITEMS, NOTHING, P).rank(Spy())
    lengths = np.diff(RING.offsets)
    assert sorted(seen) == [(row, int(lengths[row]) - 1) for row in range(len(lengths))]


def test_a_model_that_was_ranked_before_is_not_ranked_again(tmp_path):
    evaluator = Evaluator(RING, ITEMS, NOTHING, P)
    checkpoint = Checkpoint(tmp_path / "ranks.safetensors")
    first = ranked(LastItemTransition(RING, ITEMS), evaluator, checkpoint)

    class Broken:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            raise AssertionError("scored again")

    again = ranked(Broken(), evaluator, checkpoint)
    assert all(
        np.array_equal(getattr(first, name), getattr(again, name))
        for name in ("full", "sampled", "recommended")
    )
