"""Whether two runs of a model recommend the same: scores within a tolerance of their spread, items the same but for near-ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.core.vocabulary import PAD


@dataclass(frozen=True)
class Answer:
    """What the graph says for B rows: items and scores, best first; PAD with score -inf where candidates ran out."""

    items: np.ndarray  # (B, K) int64
    scores: np.ndarray  # (B, K) float32


@dataclass(frozen=True)
class Agreement:
    """How far B found rows lie from the expected ones."""

    difference: np.ndarray  # (B,) worst score difference, as a share of the row's spread of scores
    identical: np.ndarray  # (B,) bool: the same items in the same order
    near_ties: (
        np.ndarray
    )  # (B,) bool: not identical, but only items whose expected scores tie changed places


def compare(
    expected: Answer, found: Answer, found_expected: np.ndarray, spread: np.ndarray, tie: float
) -> Agreement:
    """Compare lists of the same shape, rank by rank.

    found_expected (B, K) is what the found items should have scored; spread (B,) is the standard
    deviation of a row's scores over all candidates, the unit of every difference; expected scores
    closer than `tie` of it are tied. Ties are real: items without a training event share one
    vector, and sums in another order differ in their last bits, so two correct runs may order tied
    items differently. Such rows are counted apart from identical ones, never as identical.
    """
    unit = np.where(spread > 0, spread, 1.0)[:, None]
    difference = distance(expected.scores, found.scores) / unit
    identical = (expected.items == found.items).all(axis=1)
    moved = distance(found_expected, expected.scores) / unit
    near = (moved <= tie).all(axis=1)
    return Agreement(difference.max(axis=1, initial=0.0), identical, near & ~identical)


def distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """|left - right|; 0 where both are -inf, infinite where only one is or where either is NaN."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(left.astype(np.float64) - right)
    return np.where(left == right, 0.0, np.where(np.isnan(apart), np.inf, apart))


def scores_within(items: np.ndarray, expected: Answer) -> np.ndarray:
    """The expected score of each of `items` (B, K), where no more is known than the expected list.  # (B, K)

    An item that is not in it can only have come from below its end, so it counts as scoring what
    the end scores.
    """
    scores = np.empty(items.shape)
    for row, wanted in enumerate(items):
        known = dict(zip(expected.items[row].tolist(), expected.scores[row].tolist(), strict=True))
        scores[row] = [
            known.get(item, expected.scores[row, -1] if item != PAD else -np.inf)
            for item in wanted.tolist()
        ]
    return scores
