"""Neighbours that students imitate: of other users, at every position, on disk and back."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.dataset.batches import make_batch
from slmrec.neighbours.cross_fitted import CrossFittedNeighbours
from slmrec.params.neighbours import GraphParams, NeighboursParams
from slmrec.params.record_states import NeighbourMemberParams
from tests.support.histories import histories_of

# The last two items of each history are targets. Users 0 and 2 are of fold 0, user 1 of fold 1.
HISTORIES = histories_of([[2, 3, 4, 9, 9], [2, 5, 8, 9, 9], [2, 6, 9, 9]], 10)
ITEMS = 10
GRAPHS = NeighboursParams(
    count=3,
    newest=2,
    graph=GraphParams(
        distance=1,
        closeness=0,
        backward=0,
        source_power=0,
        target_power=0,
        two_hops=0,
        half_life=None,
    ),
    transitions=False,
    titles=None,
)
MEMBER = NeighbourMemberParams(folds=2, decay=0.5, weight=2.0, epsilon=4.0)
MADE = CrossFittedNeighbours.of(HISTORIES, ITEMS, GRAPHS, MEMBER)


def scores_of(window: int) -> torch.Tensor:
    """Scores at the positions of one window.  # (T, ITEMS)"""
    batch = make_batch(HISTORIES, np.array([window]))
    return MADE.scores(batch.items, batch.real, torch.from_numpy(HISTORIES.windows.row[[window]]))


def test_a_users_own_pairs_are_not_in_the_graph_that_scores_them() -> None:
    # user 0 reads 2 and 3; of fold 1, user 1 alone has 2 -> 5 and 5 -> 8
    first, second = scores_of(0)
    assert first.nonzero().flatten().tolist() == [5]
    assert first[5] == pytest.approx(2 * log(1 + 1 / 4))
    assert second.nonzero().flatten().tolist() == [5]  # of 2, one step before the newest
    assert second[5] == pytest.approx(2 * log(1 + 0.5 / 4))


def test_all_other_folds_are_in_it() -> None:
    # user 1 reads 2: users 0 and 2 have 2 -> 3, 3 -> 4 and 2 -> 6, each weighing the mean, 1
    assert scores_of(1)[0].nonzero().flatten().tolist() == [3, 6]


def test_what_comes_later_and_what_pads_a_batch_changes_no_score() -> None:
    batch = make_batch(HISTORIES, np.array([2, 0]))
    users = torch.from_numpy(HISTORIES.windows.row[[2, 0]])
    together = MADE.scores(batch.items, batch.real, users)
    torch.testing.assert_close(together, torch.cat([scores_of(2), scores_of(0)]))
    cut = MADE.scores(batch.items[1:, :1], batch.real[1:, :1], users[1:])
    torch.testing.assert_close(cut[0], scores_of(0)[0])


def test_it_comes_back_from_disk(tmp_path: Path) -> None:
    assert CrossFittedNeighbours.load(tmp_path) is None
    MADE.save(tmp_path)
    loaded = CrossFittedNeighbours.load(tmp_path)
    assert loaded is not None
    assert vars(loaded).keys() == vars(MADE).keys()
    for name, value in vars(MADE).items():
        assert torch.equal(torch.as_tensor(vars(loaded)[name]), torch.as_tensor(value))
