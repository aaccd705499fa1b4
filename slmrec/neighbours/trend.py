"""What is in fashion: items whose share of the newest training events is not their share of all.

A model learns what belongs together from all events alike, and what is wanted now only as far as
histories show it. How far the newest events say more shows after the training cut, where validation
targets of a split by time lie; popularity of the newest events alone is a strong baseline there
(Ji et al. 2020, "A Re-visit of the Popularity Baseline in Recommender Systems").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.candidates import mask_excluded
from slmrec.ranking.inputs import InputBatch, batches_by_input
from slmrec.ranking.metrics import NEVER_LISTED, mean_ndcg10
from slmrec.ranking.scorers import Scorer

NEWEST = (0.02, 0.05, 0.1, 0.2, 0.4)
SMOOTHINGS = (1.0, 5.0, 20.0)
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Trend:
    """`weight * log((recent + smoothing) / (expected + smoothing))`, added to an item's score.

    `recent` are the item's events among the newest share `newest` of the training events, and
    `expected` is that share of all its events. An item without an event gains and loses nothing.
    """

    newest: float
    smoothing: float  # events
    weight: float

    def added(self, histories: Histories, items: int) -> Tensor:
        """What the trend adds to the score of each item, whoever the user is.  # (items,)"""
        trained, times = histories.training_items(), histories.training_times()
        count = round(self.newest * len(trained))
        newest = np.argsort(times, kind="stable")[len(trained) - count :]
        recent = np.bincount(trained[newest], minlength=items)
        expected = self.newest * np.bincount(trained, minlength=items)
        ratio = (recent + self.smoothing) / (expected + self.smoothing)
        return torch.from_numpy(self.weight * np.log(ratio)).float()


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
    targets lie among the training events, and say nothing about what comes next.
    """
    trends = [Trend(*setting) for setting in product(NEWEST, SMOOTHINGS, WEIGHTS)]
    if histories.protocol.method != "temporal":
        trends = []
    added = [torch.zeros(len(candidates))]
    added += [trend.added(histories, len(candidates)) for trend in trends]
    ranks = np.empty((len(targets.row), len(added)), dtype=np.int64)
    for batch in batches_by_input(histories, targets):
        scores = scorer.score(batch.rows, batch.stops)  # (B, I)
        mask_excluded(scores, histories, batch.rows, batch.stops, candidates)
        for column, of_trend in enumerate(added):
            ranks[batch.targets, column] = _ranks(scores + of_trend, batch)
    quality = [mean_ndcg10(column, targets.row) for column in ranks.T]
    best = int(np.argmax(quality))
    return (trends[best - 1] if best else None), quality[0]


def _ranks(scores: Tensor, batch: InputBatch) -> np.ndarray:
    """Ranks of a batch's targets among masked scores (B, I), ties against the model.  # (n,)"""
    lines = batch.input_of_target
    own = scores[lines, batch.target_items]  # (n,)
    ranks = (scores[lines] >= own[:, None]).sum(dim=1)
    return torch.where(own > -torch.inf, ranks, NEVER_LISTED).numpy()
