"""Negatives of the sampled protocol: the same on each draw, never from what the user met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Targets
from slmrec.evaluation.negatives import draw_negatives, write_negatives
from slmrec.ranking.candidates import candidate_mask
from tests.support.evaluation import evaluate_params
from tests.support.histories import histories_of

ITEMS = 14
CANDIDATES = candidate_mask(ITEMS, np.arange(2, ITEMS)).numpy()
P = evaluate_params()


def test_negatives_are_drawn_once_and_never_from_what_the_user_met() -> None:
    histories = histories_of([[2, 3, 4, 5], [5, 4, 3, 2]], max_length=3)
    negatives = draw_negatives(histories, CANDIDATES, P)
    assert negatives.tolist() == draw_negatives(histories, CANDIDATES, P).tolist()
    assert not set(negatives.ravel().tolist()) & {0, 1, 2, 3, 4, 5}
    assert all(len(set(row)) == 3 for row in negatives.tolist())


@pytest.mark.parametrize(("asked", "drawn"), [(5, [5, 5]), (8, [8, 7]), (99, [12 - 2, 12 - 5])])
def test_a_user_who_met_most_items_gets_what_is_left_and_the_others_are_not_cut(
    asked: int, drawn: list[int]
) -> None:
    histories = histories_of([[2, 3, 2], [2, 3, 4, 5, 6, 6]], max_length=3)  # met: 2 and 5 of 12
    negatives = draw_negatives(histories, CANDIDATES, P.model_copy(update={"negatives": asked}))
    assert negatives.shape == (2, asked)
    assert (negatives != PAD).sum(axis=1).tolist() == drawn


def test_a_user_who_met_everything_has_none_and_takes_none_from_others() -> None:
    histories = histories_of([list(range(2, ITEMS)), [2, 3, 4]], max_length=3)
    assert (draw_negatives(histories, CANDIDATES, P) != PAD).sum(axis=1).tolist() == [0, 3]


def test_a_user_without_a_test_target_has_no_negatives() -> None:
    histories = histories_of([[2, 3, 4], [2, 3, 4]], max_length=3)
    second = Targets(np.array([1]), np.array([2]), np.array([2]))
    histories.targets["test"] = second
    assert draw_negatives(histories, CANDIDATES, P).any(axis=1).tolist() == [False, True]


def test_stored_negatives_stand_by_the_users_index(tmp_path: Path) -> None:
    histories = histories_of([[2, 3, 4], [2, 3, 4], [5, 6, 7]], max_length=3)
    histories.users[:] = [10, 20, 30]
    histories.targets["test"] = Targets(
        np.array([2, 1, 2]), np.array([2, 2, 1]), np.array([2, 2, 1])
    )
    negatives = np.array([[0, 0], [8, 9], [2, 0]], dtype=np.uint32)
    write_negatives(tmp_path / "negatives.parquet", negatives, histories)
    table = pl.read_parquet(tmp_path / "negatives.parquet")
    assert table.schema == {"user_index": pl.UInt32, "negatives": pl.List(pl.UInt32)}
    assert table.rows() == [(20, [8, 9]), (30, [2])]
