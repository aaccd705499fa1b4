"""A mean gain is evident where it is two standard errors over users above zero."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.ranking.evidence import is_evident


@pytest.mark.parametrize(
    ("gains", "evident"),
    [
        ([0.1, 0.1, 0.1], True),
        ([0.0, 0.0, 0.0], False),
        ([-0.1, -0.1], False),
        ([0.3, -0.1, 0.1, 0.1], False),  # mean .1, standard error .0707
        ([0.3, -0.1, 0.1, 0.1] * 3, True),  # the same spread over more users: .0408
    ],
)
def test_the_same_mean_is_evident_over_more_users(gains: list[float], evident: bool) -> None:
    assert is_evident(np.array(gains)) is evident
