"""The newest window: what challenger, champion and baselines are measured on, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slmrec.dataset.histories import Histories, Targets
from slmrec.evaluation.baselines import LastItemTransition, Popularity
from slmrec.evaluation.bootstrap import bootstrap_weights, interval
from slmrec.evaluation.slices import target_slices
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.gate import GateParams
from slmrec.ranking.metrics import FULL, gains, means, user_means
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import Scorer
from slmrec.registry.bundle_scorer import BundleScorer
from slmrec.runtime import Recommender
from slmrec.runtime.items import ServedItems


@dataclass(frozen=True)
class Standing:
    """What one contestant reached on the window's N targets."""

    ranks: np.ndarray  # (N,) int64, among all candidates
    coverage: float  # share of its candidates that stand in a top ten

    def of(self, places: np.ndarray) -> Standing:
        """Its ranks on the targets at `places` (M,); the coverage stays that of all."""
        return Standing(self.ranks[places], self.coverage)

    def figures(self, users: np.ndarray) -> dict[str, float]:
        """Its quality, as metrics/evaluation.json names it; users (N,) of the targets."""
        return means(self.ranks, users, FULL) | {"coverage@10": self.coverage}


class Window:
    """Targets and their histories, numbered by `items`; slices; bootstrap weights."""

    def __init__(
        self,
        histories: Histories,
        targets: Targets,
        items: ServedItems,
        p: EvaluateParams,
        gate: GateParams,
    ) -> None:
        self.histories = histories
        self.items = items
        self.targets = targets
        self.users = targets.row  # (N,)
        self.slices = target_slices(histories, self.targets, items.rows, p)
        self.weights = bootstrap_weights(len(np.unique(self.users)), gate.bootstrap, gate.seed)
        self.recent_days = p.recent_days

    def bundle(self, recommender: Recommender) -> Standing:
        """How a bundle does, through its graph, with the items it can recommend."""
        scorer = BundleScorer(recommender, self.histories, self.items)
        candidates = scorer.candidates()
        ranks = rank_targets(scorer, self.histories, self.targets, candidates, None)
        return Standing(ranks.full, len(ranks.recommended) / max(1, int(candidates.sum())))

    def baselines(self, challenger: Recommender) -> dict[str, Standing]:
        """What needs no training, among the challenger's candidates."""
        candidates = BundleScorer(challenger, self.histories, self.items).candidates()
        scorers: Mapping[str, Scorer] = {
            "popularity": Popularity(self.histories, self.items.rows, None),
            "recent_popularity": Popularity(self.histories, self.items.rows, self.recent_days),
            "last_item_transition": LastItemTransition(self.histories, self.items.rows),
        }
        standings = {}
        for name, scorer in scorers.items():
            ranks = rank_targets(scorer, self.histories, self.targets, candidates, None)
            share = len(ranks.recommended) / max(1, int(candidates.sum()))
            standings[name] = Standing(ranks.full, share)
        return standings

    def mean(self, standing: Standing, metric: str) -> float:
        """A metric's mean over users."""
        return float(self._per_user(standing, metric).mean())

    def difference(self, left: Standing, right: Standing, metric: str) -> list[float]:
        """95% interval of the difference, paired over users."""
        paired = self._per_user(left, metric) - self._per_user(right, metric)
        return interval(paired, self.weights)

    def slice_means(self, standing: Standing, name: str) -> tuple[int, float]:
        """How many users a slice has, and the mean NDCG@10 over them."""
        mask = self.slices[name]
        per_user = user_means(gains(standing.ranks[mask], "ndcg@10"), self.users[mask])
        return len(per_user), float(per_user.mean()) if len(per_user) else 0.0

    def _per_user(self, standing: Standing, metric: str) -> np.ndarray:
        return user_means(gains(standing.ranks, metric), self.users)
