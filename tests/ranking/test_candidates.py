"""What competes in a ranking: listed items, never PAD or UNK, no seen items where excluded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slmrec.dataset.histories import Protocol
from slmrec.ranking.candidates import candidate_mask, mask_excluded
from tests.support.histories import histories_of

HISTORIES = histories_of([[2, 3, 4, 5], [5, 4, 3, 2]], max_length=2)


def test_candidates_are_the_listed_items_without_pad_and_unk() -> None:
    mask = candidate_mask(6, np.array([0, 1, 3, 3, 5], dtype=np.uint32))
    assert mask.tolist() == [False, False, False, True, False, True]


@pytest.mark.parametrize(
    ("exclude_seen", "left"), [(False, [[2, 3, 4], [2, 3, 4]]), (True, [[4], [2, 3]])]
)
def test_scores_are_left_to_candidates_that_the_protocol_lets_compete(
    exclude_seen: bool, left: list[list[int]]
) -> None:
    histories = replace(HISTORIES, protocol=Protocol("leave_one_out", 2, exclude_seen))
    scores = torch.zeros(2, 6)
    candidates = candidate_mask(6, np.array([2, 3, 4]))  # 5 is none
    # the first user has seen 2 and 3, the second 5 and 4
    mask_excluded(scores, histories, np.array([0, 1]), np.array([2, 2]), candidates)
    assert [row.isfinite().nonzero()[:, 0].tolist() for row in scores] == left


def test_all_seen_items_are_left_out_also_those_a_model_no_longer_reads() -> None:
    histories = replace(HISTORIES, protocol=Protocol("leave_one_out", 2, exclude_seen=True))
    scores = torch.zeros(1, 6)
    candidates = candidate_mask(6, np.arange(2, 6))
    mask_excluded(scores, histories, np.array([0]), np.array([3]), candidates)  # 3 > max_length
    assert scores[0].isfinite().nonzero()[:, 0].tolist() == [5]
