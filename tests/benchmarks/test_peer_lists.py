"""A peer is given all events before the target; its lists become ranks, ties against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peer_lists import ranks_in_lists, write_training_events
from slmrec.core.errors import UsageError
from slmrec.dataset.histories import Protocol
from slmrec.ranking.metrics import NEVER_LISTED
from tests.support.histories import histories_of

HISTORIES = histories_of([[4, 2, 3, 5], [9, 8, 7], [2, 3, 4]], max_length=5)


def test_a_peer_trains_on_all_but_the_test_targets_in_our_order(tmp_path: Path) -> None:
    write_training_events(HISTORIES, tmp_path / "train.csv")
    assert (tmp_path / "train.csv").read_text().splitlines() == [
        "user_id,item_id,datetime,weight",
        "0,4,1970-01-01 00:00:00,1",
        "0,2,1970-01-01 00:00:01,1",
        "0,3,1970-01-01 00:00:02,1",
        "1,9,1970-01-01 00:00:00,1",
        "1,8,1970-01-01 00:00:01,1",
        "2,2,1970-01-01 00:00:00,1",
        "2,3,1970-01-01 00:00:01,1",
    ]


def test_a_split_with_several_targets_a_user_is_refused(tmp_path: Path) -> None:
    temporal = replace(HISTORIES, protocol=Protocol("temporal", 5, exclude_seen=True))
    with pytest.raises(UsageError, match="split is temporal; peers are compared on leave_one_out"):
        write_training_events(temporal, tmp_path / "train.csv")
    assert not list(tmp_path.iterdir())


def test_ties_count_against_the_peer_and_a_missing_target_is_a_miss(tmp_path: Path) -> None:
    rows = [
        *[(0, 7, 3.0, 1), (0, 5, 2.0, 2), (0, 6, 2.0, 3), (0, 8, 1.0, 4)],  # 5 ties with 6
        *[(1, 7, 0.5, 1), (1, 2, 0.4, 2)],  # 7 is first
        (2, 9, 1.0, 1),  # 4 is not listed
    ]
    lines = ["user_id,item_id,score,rank", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "lists.csv").write_text("\n".join(lines) + "\n")
    ranks = ranks_in_lists(HISTORIES, HISTORIES.targets["test"], tmp_path / "lists.csv")
    assert ranks.tolist() == [3, 1, NEVER_LISTED]
