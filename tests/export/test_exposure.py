"""The lift of new items: found where it gives the share of lists that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.export.exposure import lift_for
from slmrec.runtime.comparison import TopK

KNOWN, NEW, WIDTH = 60, 6, 8
ROWS = 2 + KNOWN + NEW
RNG = np.random.default_rng(0)
USERS = RNG.normal(1.0, 0.3, (ROWS, WIDTH)).astype(np.float32)  # by the one item of a history
ITEMS = RNG.normal(0.0, 1.0, (ROWS, WIDTH)).astype(np.float32)
ITEMS[2 + KNOWN :] *= 0.2  # as means are: seldom the best


def embed(history: np.ndarray) -> np.ndarray:
    return USERS[history[:, 0]]


def run(history: np.ndarray, exclude: np.ndarray, k: int, items: np.ndarray = ITEMS) -> TopK:
    scores = embed(history) @ items.T
    scores[:, :2] = -np.inf
    np.put_along_axis(scores, exclude, -np.inf, axis=1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(scores, best, axis=1)
    return TopK(np.where(np.isfinite(values), best, 0), values)


@pytest.mark.parametrize("exposure", [0.5, 1.0, 4.0])
def test_the_lifted_vectors_give_the_share_that_was_asked_for(exposure: float) -> None:
    known = np.arange(2, 2 + KNOWN)
    lift = lift_for(run, embed, known, 2 + KNOWN, NEW, exposure)
    wanted = exposure * NEW / (exposure * NEW + KNOWN)
    assert lift.share == pytest.approx(wanted, abs=1 / KNOWN)
    lifted = ITEMS.copy()
    lifted[2 + KNOWN :] += lift.vector
    listed = run(known[:, None], known[:, None], 10, lifted).items
    assert (listed >= 2 + KNOWN).mean() == pytest.approx(lift.share, abs=1 / KNOWN)
    assert USERS[known].mean(axis=0) @ lift.vector == pytest.approx(lift.score, rel=1e-4)
