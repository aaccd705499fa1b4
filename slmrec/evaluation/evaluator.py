"""A model's report: full ranking, the paper's protocol, intervals over users, slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories
from slmrec.evaluation.bootstrap import bootstrap_weights, interval, paired_intervals
from slmrec.evaluation.negatives import draw_negatives
from slmrec.evaluation.slices import target_slices
from slmrec.models.factory import SequenceModel, decoder_parameters, embedding_parameters
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.candidates import candidate_items
from slmrec.ranking.metrics import FULL, SAMPLED, gains, means, user_means
from slmrec.ranking.ranks import Ranks, rank_targets
from slmrec.ranking.scorers import Scorer

PAIRS = (  # of models whose difference is reported, where both are measured
    ("student", "teacher"),
    ("student", "student_without_distillation"),
    ("teacher", "sasrec"),
    ("student", "sasrec"),
    ("student_narrow", "teacher"),
    ("student_narrow", "sasrec"),
    ("student", "ensemble"),
    ("student_narrow", "ensemble"),
    ("student", "sasrec_text"),
    ("sasrec_text", "sasrec"),
    ("student", "item_neighbours"),
    ("student_with_neighbours", "student"),
    ("student_with_neighbours", "item_neighbours"),
    ("student_with_neighbours", "sasrec"),
    ("student_with_neighbours", "ensemble"),
    ("student_narrow_with_neighbours", "student_narrow"),
    ("student_narrow_with_neighbours", "item_neighbours"),
)


@dataclass(frozen=True)
class ParameterCounts:
    """How many parameters a model has: without its item table, and in the table."""

    model: int
    table: int

    @staticmethod
    def of(*models: SequenceModel) -> ParameterCounts:
        """The parameters of several models together; none have none."""
        return ParameterCounts(
            sum(map(decoder_parameters, models)), sum(map(embedding_parameters, models))
        )


class Evaluator:
    """Test targets, candidates, negatives and bootstrap weights: the same for every model.

    Candidates are the items that have an event, and `described_items`, which are known by their
    text. `items` counts all item indices.
    """

    def __init__(
        self, histories: Histories, items: int, described_items: np.ndarray, p: EvaluateParams
    ) -> None:
        self.histories = histories
        self.targets = histories.targets["test"]
        self.candidates: Tensor = candidate_items(histories, items, described_items)
        self.negatives = draw_negatives(histories, self.candidates.numpy(), p)
        self.slices = target_slices(histories, self.targets, items, p)
        self.weights = bootstrap_weights(len(np.unique(self.targets.row)), p.bootstrap, p.seed)
        self.p = p

    def rank(self, scorer: Scorer) -> Ranks:
        """Rank every test target with `scorer`."""
        return rank_targets(scorer, self.histories, self.targets, self.candidates, self.negatives)

    def user_ndcg(self, ranks: Ranks) -> np.ndarray:
        """NDCG@10 of each test user.  # (U,)"""
        return user_means(gains(ranks.full, "ndcg@10"), self.targets.row)

    def report(self, ranks: Ranks, parameters: ParameterCounts) -> dict[str, Any]:
        """One model's entry in metrics/evaluation.json."""
        users = self.targets.row
        coverage = len(ranks.recommended) / int(self.candidates.sum())
        return {
            "full": means(ranks.full, users, FULL) | {"coverage@10": coverage},
            "sampled": means(ranks.sampled, users, SAMPLED) if ranks.sampled is not None else {},
            "ci95": {"ndcg@10": interval(self.user_ndcg(ranks), self.weights)},
            "slices": self._slice_reports(ranks),
            "parameters": parameters.model,
            "table_parameters": parameters.table,
        }

    def _slice_reports(self, ranks: Ranks) -> dict[str, dict[str, Any]]:
        """Of the slices that hold a target."""
        masks = {name: mask for name, mask in self.slices.items() if mask.any()}
        return {name: self._slice_report(ranks, mask) for name, mask in masks.items()}

    def _slice_report(self, ranks: Ranks, mask: np.ndarray) -> dict[str, Any]:
        quality = means(ranks.full[mask], self.targets.row[mask], ("hr@10", "ndcg@10"))
        return {"targets": int(mask.sum()), **quality}

    def paired_differences(self, ranks: Mapping[str, Ranks]) -> dict[str, list[float]]:
        """95% intervals of NDCG@10 differences, paired over users, for PAIRS of ranked models."""
        pairs = {f"{left}-{right}": (left, right) for left, right in PAIRS}
        ranked_pairs = {name: pair for name, pair in pairs.items() if set(pair) <= set(ranks)}
        per_user = {name: self.user_ndcg(model_ranks) for name, model_ranks in ranks.items()}
        return paired_intervals(per_user, ranked_pairs, self.weights)

    def _fewest_negatives(self) -> int:
        """What the user who met most of the catalogue has left."""
        rows = np.unique(self.targets.row)
        return int((self.negatives[rows] != PAD).sum(axis=1).min(initial=self.p.negatives))

    def protocol(self) -> dict[str, Any]:
        """What the figures were measured on."""
        return {
            "split": self.histories.protocol.method,
            "test_targets": len(self.targets.row),
            "test_users": self.weights.shape[1],
            "items": int(self.candidates.sum()),
            "negatives": self.negatives.shape[1],
            "fewest_negatives": self._fewest_negatives(),
            "seed": self.p.seed,
        }
