"""Recorded histories: real inputs and a bundle's lists for them, replayed where it will serve.

One JSON line a history, in external ids, so that another version can be asked the same. The file is
as private as the logs: histories stand in it, without a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime import Recommender
from slmrec.runtime.comparison import TopK, compare, expected_scores_of
from slmrec.runtime.padding import pad_rows

RECORDED = "recorded.jsonl"
LIST_LENGTH = 10
SCORES_AT_ONCE = 2**24  # rows x items, 64 MiB of scores
Row = TypeVar("Row")


@dataclass(frozen=True)
class Recorded:
    """A history, the list that a bundle gave for it, and the spread of all its scores there."""

    history: list[str]  # oldest first
    items: list[str]  # best first
    scores: list[float]
    spread: float  # standard deviation of the scores of all candidates


def record(recommender: Recommender, histories: Sequence[list[str]]) -> bytes:
    """JSON lines of the histories with the lists that the bundle gives for them."""
    lines = []
    for batch in _batches(histories, recommender):
        top = _run(recommender, batch, recommender.largest_k)
        for history, items, scores in zip(batch, top.items, top.scores, strict=True):
            real = np.isfinite(scores)
            best = items[real][:LIST_LENGTH].tolist()
            entry = {
                "history": history,
                "items": [recommender.items.ids[item - FIRST_ITEM] for item in best],
                "scores": scores[real][:LIST_LENGTH].tolist(),
                "spread": float(scores[real].std()) if real.any() else 0.0,
            }
            lines.append(json.dumps(entry, ensure_ascii=False, allow_nan=False))
    return "".join(f"{line}\n" for line in lines).encode()


def read_recorded(data: bytes) -> list[Recorded]:
    """Read what `record` wrote. Raises BundleError where it is something else."""
    try:
        return [Recorded(**json.loads(line)) for line in data.splitlines()]
    except (ValueError, TypeError) as error:
        raise BundleError(f"{RECORDED} holds no recorded histories ({error})") from error


def replay(recommender: Recommender, recorded: Sequence[Recorded]) -> float:
    """Ask the bundle again; the largest difference of a score, as a share of its row's spread.

    Raises BundleError for the first history whose list or scores are not the recorded ones.
    """
    worst, done = 0.0, 0
    for batch in _batches(recorded, recommender):
        worst = max(worst, _replay_batch(recommender, batch, done))
        done += len(batch)
    return worst


def _replay_batch(recommender: Recommender, batch: Sequence[Recorded], done: int) -> float:
    """`replay` of some histories, of which `done` came before."""
    tolerance = recommender.contract["tolerance"][recommender.contract["precision"]]
    expected = _expected(recommender, batch)
    actual = _run(recommender, [entry.history for entry in batch], expected.items.shape[1])
    spread = np.array([entry.spread for entry in batch])
    scores = expected_scores_of(actual.items, expected)
    # Two scores that are each off by the tolerance may change places when twice that apart.
    agreement = compare(expected, actual, scores, spread, 2 * tolerance)
    same = agreement.identical | agreement.near_ties
    wrong = np.flatnonzero(~same | (agreement.max_difference > tolerance))
    if len(wrong):
        raise BundleError(
            f"recorded history {done + wrong[0] + 1} gets another list here: its scores differ "
            f"by {agreement.max_difference[wrong[0]]:.1e} of their spread, allowed are "
            f"{tolerance:.1e}"
        )
    return float(agreement.max_difference.max())


def _run(recommender: Recommender, histories: Sequence[list[str]], k: int) -> TopK:
    index = recommender.items.index
    seen = [[index.get(item, UNK) for item in history] for history in histories]
    newest = [row[-recommender.contract["max_length"] :] for row in seen]
    excluded = seen if recommender.contract["exclude_seen"] else [[] for _ in seen]
    return recommender.recommend_indices(pad_rows(newest), pad_rows(excluded), k)


def _expected(recommender: Recommender, batch: Sequence[Recorded]) -> TopK:
    """The recorded lists of a batch in the bundle's item indices; PAD and -inf where they end."""
    width = min(LIST_LENGTH, recommender.largest_k)
    items = np.full((len(batch), width), PAD, dtype=np.int64)
    scores = np.full((len(batch), width), -np.inf, dtype=np.float32)
    for row, entry in enumerate(batch):
        items[row, : len(entry.items)] = [
            recommender.items.index.get(item, UNK) for item in entry.items
        ]
        scores[row, : len(entry.scores)] = entry.scores
    return TopK(items, scores)


def _batches(rows: Sequence[Row], recommender: Recommender) -> Iterator[Sequence[Row]]:
    size = max(1, min(256, SCORES_AT_ONCE // recommender.items.rows))
    return (rows[first : first + size] for first in range(0, len(rows), size))
