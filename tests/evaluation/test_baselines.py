"""Baselines learn from training events alone, and score as their names say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slmrec.core.tables import DAY_US
from slmrec.dataset.histories import Windows
from slmrec.evaluation.baselines import LastItemTransition, Popularity
from tests.support.histories import histories_of


def test_popularity_counts_training_events_and_nothing_after_them() -> None:
    histories = histories_of([[2, 3, 2, 4, 5], [2, 3, 6, 4]], max_length=9)
    # trained on 2, 3, 2 and on 2, 3: the last two of each user are to be predicted
    assert Popularity(histories, 8, None).counts.tolist() == [0, 0, 3, 2, 0, 0, 0, 0]


def test_recent_popularity_forgets_what_is_older_than_its_days() -> None:
    histories = histories_of([[2, 2, 3, 9, 9]], max_length=9)
    histories.times[:] = np.array([0, 10, 40, 41, 42]) * DAY_US  # 10 is exactly 30 before 40
    assert Popularity(histories, 10, 30).counts.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_popularity_scores_all_users_alike() -> None:
    popularity = Popularity(histories_of([[2, 3, 2, 4]], max_length=9), 5, None)
    assert popularity.score(np.array([0, 0]), np.array([1, 2])).tolist() == [[0, 0, 1, 1, 0]] * 2


def test_a_transition_scores_how_often_it_happened_after_the_last_item_of_the_input() -> None:
    histories = histories_of([[2, 3, 2, 3, 2, 4, 4, 4]], max_length=9)
    transition = LastItemTransition(histories, 6)
    # trained on 2 3 2 3 2 4: 2 was followed by 3, 3 and 4; 3 by 2 and 2
    after_two, after_three = transition.score(np.array([0, 0]), np.array([1, 2])).floor()
    assert after_two.tolist() == [0, 0, 0, 2, 1, 0]
    assert after_three.tolist() == [0, 0, 2, 0, 0, 0]


def test_between_transitions_that_happened_equally_often_popularity_decides() -> None:
    histories = histories_of([[2, 3, 2, 3, 2, 4, 4, 4]], max_length=9)
    scores = LastItemTransition(histories, 6).score(np.array([0]), np.array([6]))[0]
    # nothing follows 4; training holds 2 three times, 3 twice, 4 once
    assert scores.tolist() == [0, 0, 3 / 4, 2 / 4, 1 / 4, 0]


def test_without_a_window_there_is_no_transition() -> None:
    nothing = np.empty(0, dtype=np.int64)
    no_windows = Windows(nothing.astype(np.uint32), nothing, nothing, nothing)
    histories = replace(histories_of([[2, 3, 2]], max_length=9), windows=no_windows)
    assert not LastItemTransition(histories, 4).score(np.array([0]), np.array([1])).any()
