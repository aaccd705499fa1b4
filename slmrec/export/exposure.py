"""How often new items are listed: a lift of their vectors that brings them to a given share.

A new item's vector is a mean of those of items like it, so its scores are as a mean's are: seldom
the best for anybody. No log says yet how much it will be wanted. A number that a person can judge
takes its place: how often new items come out, beside how often known ones do, one with another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from slmrec.runtime.golden import EmbedUsers
from slmrec.runtime.session import RunGraph

LIST_LENGTH = 10
SAMPLE = 512  # histories of one known item each
SCORES_AT_ONCE = 2**24  # rows x items
HALVINGS = 40  # of the interval in which the lift is searched


@dataclass(frozen=True)
class Lift:
    """What is added to the vectors of all new items."""

    vector: np.ndarray  # (E,) float32
    score: float  # what it adds to the score of a mean user
    share: float  # of new items in lists of ten, of histories of one known item each


def lift_for(
    run: RunGraph, embed: EmbedUsers, known: np.ndarray, first: int, count: int, exposure: float
) -> Lift:
    """The lift that lists each of `count` new items `exposure` times as often as a known one.

    `run` is the graph with the new items, from index `first` on, and no lift; `embed` gives the
    vectors of its users, and `known` (C,) are the known candidates. The lift has the direction of
    the mean user's vector, so that it needs no bonus, which the items' vectors had no place for.
    """
    histories = known[np.linspace(0, len(known) - 1, min(SAMPLE, len(known))).astype(int)]
    old, new, users = _sampled(run, embed, histories, first, first + count, len(known) + count)
    mean = users.mean(axis=0)
    direction = mean / max(float(mean @ mean), np.finfo(np.float32).tiny)
    slope = (users @ direction)[:, None]  # (S, 1) what one point more adds to a user's scores
    # n items that are each listed `exposure` times as often as each of C others.
    wanted = exposure * count / (exposure * count + len(known))
    scores = np.concatenate([old, new], axis=1)
    reach = float(np.ptp(scores[np.isfinite(scores)])) + 1.0
    low, high = -reach, reach
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _share(old, new + middle * slope) > wanted else (middle, high)
    score = float(np.float32(low))
    vector = (score * direction).astype(np.float32)
    return Lift(vector, score, _share(old, new + score * slope))


def _sampled(
    run: RunGraph,
    embed: EmbedUsers,
    histories: np.ndarray,
    first: int,
    rows: int,
    candidates: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten best scores of known items and of new ones, and users' vectors.  # (S, 10) x 2, (S, E)"""
    parts = list(_parts(run, embed, histories, first, rows, candidates))
    old, new, users = (np.concatenate(part) for part in zip(*parts, strict=True))
    return old, new, users


def _parts(
    run: RunGraph,
    embed: EmbedUsers,
    histories: np.ndarray,
    first: int,
    rows: int,
    candidates: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    at_once = max(1, SCORES_AT_ONCE // rows)
    for start in range(0, len(histories), at_once):
        history = histories[start : start + at_once, None]  # (B, 1)
        top = run(history, history, candidates)
        scores = np.full((len(history), rows), -np.inf, np.float32)
        np.put_along_axis(scores, top.items, top.scores, axis=1)
        yield _best(scores[:, :first]), _best(scores[:, first:]), embed(history)


def _best(scores: np.ndarray) -> np.ndarray:
    """The ten best of each row, or as many as there are."""
    length = min(LIST_LENGTH, scores.shape[1])
    return -np.partition(-scores, length - 1, axis=1)[:, :length]


def _share(old: np.ndarray, new: np.ndarray) -> float:
    """The share of new items in lists of the best of both; known ones come first of equals."""
    both = np.concatenate([old, new], axis=1)
    listed = np.argsort(-both, axis=1, kind="stable")[:, :LIST_LENGTH]
    return float((listed >= old.shape[1]).mean())
