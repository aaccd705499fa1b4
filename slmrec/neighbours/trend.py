"""What is in fashion: items whose share of the newest training events is not their share of all.

A model learns what belongs together from all events alike, and what is wanted now only as far as
histories show it. How far the newest events say more shows after the training cut, where validation
targets of a split by time lie; popularity of the newest events alone is a strong baseline there
(Ji et al. 2020, "A Re-visit of the Popularity Baseline in Recommender Systems").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.candidates import mask_excluded
from slmrec.ranking.evidence import is_evident
from slmrec.ranking.inputs import InputBatch, batches_by_input
from slmrec.ranking.metrics import NEVER_LISTED, gains, user_means
from slmrec.ranking.scorers import Scorer


@dataclass(frozen=True)
class DatedEvents:
    """The training events in the order of their times, and how many each item has."""

    items: np.ndarray  # (E,) int64, the oldest first
    totals: np.ndarray  # (I,) int64

    @staticmethod
    def of(histories: Histories, items: int) -> DatedEvents:
        """Those of `histories`, of so many items."""
        trained = histories.training_items()
        oldest_first = np.argsort(histories.training_times(), kind="stable")
        return DatedEvents(trained[oldest_first], np.bincount(trained, minlength=items))


@dataclass(frozen=True)
class Trend:
    """`weight * log((recent + smoothing) / (expected + smoothing))`, added to an item's score.

    `recent` are the item's events among the newest share `newest` of the training events, and
    `expected` is that share of all its events. An item without an event gains and loses nothing.
    """

    newest: float
    smoothing: float  # events
    weight: float

    def added(self, events: DatedEvents) -> Tensor:
        """What the trend adds to the score of each item, whoever the user is.  # (I,)"""
        count = round(self.newest * len(events.items))
        newest = events.items[len(events.items) - count :]
        recent = np.bincount(newest, minlength=len(events.totals))
        expected = self.newest * events.totals
        ratio = (recent + self.smoothing) / (expected + self.smoothing)
        return torch.from_numpy(self.weight * np.log(ratio)).float()


# Where the search begins, and what it tries of one setting after the other.
FIRST = Trend(newest=0.1, smoothing=5.0, weight=0.75)
SETTINGS = {
    "newest": (0.02, 0.05, 0.1, 0.2, 0.4),
    "smoothing": (1.0, 5.0, 20.0),
    "weight": (0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
}


class TrendScorer:
    """Scores items with a model, and what a trend (I,) adds to it."""

    def __init__(self, scorer: Scorer, added: Tensor) -> None:
        self.scorer = scorer
        self.added = added

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores of every item.  # (B, I)"""
        return self.scorer.score(rows, stops) + self.added


def choose_trend(
    scorer: Scorer, histories: Histories, targets: Targets, candidates: Tensor
) -> tuple[Trend | None, float]:
    """The trend with the best NDCG@10 on `targets`, None where none helps; and NDCG@10 without.

    candidates (I,) bool. Of a split that is not by time no trend is asked for: its validation
    targets lie among the training events, and say nothing about what comes next. One setting is
    chosen after the other, so that the targets are scored four times, whatever is tried; and what
    is best of many by chance is left out: the gain has to be EVIDENCE standard errors over users.
    """

    def quality(added: Sequence[Tensor]) -> list[np.ndarray]:
        return _quality(scorer, histories, targets, candidates, added)

    alone = quality([torch.zeros(len(candidates))])[0]  # (U,)
    mean = float(alone.mean())
    if histories.protocol.method != "temporal":
        return None, mean
    events, trend, best = DatedEvents.of(histories, len(candidates)), FIRST, alone
    for name, values in SETTINGS.items():
        trends = [replace(trend, **{name: value}) for value in values]
        found = quality([each.added(events) for each in trends])
        place = int(np.argmax([of_users.mean() for of_users in found]))
        trend, best = trends[place], found[place]
    return (trend if is_evident(best - alone) else None), mean


def _quality(
    scorer: Scorer,
    histories: Histories,
    targets: Targets,
    candidates: Tensor,
    added: Sequence[Tensor],
) -> list[np.ndarray]:
    """Each user's NDCG@10 with each of J tensors (I,) added; the model is asked once.  # (U,)"""
    ranks = np.empty((len(targets.row), len(added)), dtype=np.int64)
    for batch in batches_by_input(histories, targets):
        scores = scorer.score(batch.rows, batch.stops)  # (B, I)
        mask_excluded(scores, histories, batch.rows, batch.stops, candidates)
        for column, bonus in enumerate(added):
            ranks[batch.targets, column] = _ranks(scores + bonus, batch)
    return [user_means(gains(column, "ndcg@10"), targets.row) for column in ranks.T]


def _ranks(scores: Tensor, batch: InputBatch) -> np.ndarray:
    """Ranks of a batch's targets among masked scores (B, I), ties against the model.  # (n,)"""
    lines = batch.input_of_target
    own = scores[lines, batch.target_items]  # (n,)
    ranks = (scores[lines] >= own[:, None]).sum(dim=1)
    return torch.where(own > -torch.inf, ranks, NEVER_LISTED).numpy()
