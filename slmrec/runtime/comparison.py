"""Whether two runs of a model recommend the same.

Scores agree within a tolerance, a share of their spread; lists are equal but for near-ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.core.vocabulary import PAD


@dataclass(frozen=True)
class TopK:
    """The graph's output for B rows, best first; PAD with score -inf where candidates ran out."""

    items: np.ndarray  # (B, K) int64
    scores: np.ndarray  # (B, K) float32


@dataclass(frozen=True)
class Agreement:
    """How far B lists lie from the expected ones."""

    max_difference: np.ndarray  # (B,) of scores, as a share of the standard deviation of the row's
    identical: np.ndarray  # (B,) bool: the same items in the same order
    near_ties: np.ndarray  # (B,) bool: not identical, but only tied items changed places


def compare(
    expected: TopK, actual: TopK, expected_scores: np.ndarray, spread: np.ndarray, tie: float
) -> Agreement:
    """Compare lists of the same shape, rank by rank.

    `expected_scores` (B, K) are what the items of `actual` should have scored. `spread` (B,) is the
    standard deviation of a row's scores over all candidates, the unit of every difference; expected
    scores closer than `tie` of it are tied.

    Ties are real: items without a training event share one vector, and sums in another order differ
    in their last bits, so two correct runs may order tied items differently. Such rows are counted
    apart from identical ones, never as identical.
    """
    unit = np.where(spread > 0, spread, 1.0)[:, None]  # (B, 1)
    difference = score_difference(expected.scores, actual.scores) / unit
    identical = (expected.items == actual.items).all(axis=1)
    rank_difference = score_difference(expected_scores, expected.scores) / unit
    tied = (rank_difference <= tie).all(axis=1)
    return Agreement(difference.max(axis=1, initial=0.0), identical, tied & ~identical)


def score_difference(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """|left - right|; 0 where both are -inf, infinite where only one is or where either is NaN."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(left.astype(np.float64) - right)
    return np.where(left == right, 0.0, np.where(np.isnan(difference), np.inf, difference))


def expected_scores_of(items: np.ndarray, expected: TopK) -> np.ndarray:
    """The expected score of each of `items` (B, K), read from the expected list.  # (B, K)

    An item that is not in the list can only have come from below its end, so it counts as scoring
    what the end scores.
    """
    scores = np.empty(items.shape)
    for row, row_items in enumerate(items):
        listed = dict(zip(expected.items[row].tolist(), expected.scores[row].tolist(), strict=True))
        scores[row] = [
            listed.get(item, expected.scores[row, -1] if item != PAD else -np.inf)
            for item in row_items.tolist()
        ]
    return scores
