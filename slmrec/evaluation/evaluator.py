"""Honest evaluation: full ranking and the paper's protocol, intervals over users, slices, paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, Targets
from slmrec.evaluation.bootstrap import bootstrap_weights, interval, paired
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.metrics import FULL, SAMPLED, gains, means, user_means
from slmrec.ranking.ranks import Ranks, candidate_mask, rank_targets
from slmrec.ranking.scorers import Scorer

PAIRS = {
    f"{left}-{right}": (left, right)
    for left, right in (
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
    )
}


@dataclass(frozen=True)
class Parameters:
    """How many numbers a model holds, without its item table and in the table."""

    model: int
    table: int


class Evaluator:
    """The test targets, what they are ranked against, and how users are resampled: the same for every model.

    Every item with an event can be recommended, and so can the items in `described`, known by their
    text alone.
    """

    def __init__(
        self, histories: Histories, items: int, described: np.ndarray, p: EvaluateParams
    ) -> None:
        self.histories = histories
        self.targets = histories.targets["test"]
        self.candidates: Tensor = candidate_mask(
            items, np.concatenate([histories.items, described])
        )
        self.negatives = draw_negatives(histories, self.candidates.numpy(), p)
        self.slices = slices_of(histories, self.targets, items, p)
        self.weights = bootstrap_weights(len(np.unique(self.targets.row)), p.bootstrap, p.seed)
        self.p = p

    def rank(self, scorer: Scorer) -> Ranks:
        """Rank every test target with `scorer`."""
        return rank_targets(scorer, self.histories, self.targets, self.candidates, self.negatives)

    def per_user(self, ranks: Ranks) -> np.ndarray:
        """NDCG@10 of each test user.  # (U,)"""
        return user_means(gains(ranks.full, "ndcg@10"), self.targets.row)

    def report(self, ranks: Ranks, parameters: Parameters) -> dict[str, Any]:
        """One model's entry in metrics/evaluation.json."""
        users = self.targets.row
        sliced = {
            name: {
                "targets": int(mask.sum()),
                **means(ranks.full[mask], users[mask], ("hr@10", "ndcg@10")),
            }
            for name, mask in self.slices.items()
            if mask.any()
        }
        coverage = len(ranks.recommended) / int(self.candidates.sum())
        return {
            "full": means(ranks.full, users, FULL) | {"coverage@10": coverage},
            "sampled": means(ranks.sampled, users, SAMPLED) if ranks.sampled is not None else {},
            "ci95": {"ndcg@10": interval(self.per_user(ranks), self.weights)},
            "slices": sliced,
            "parameters": parameters.model,
            "table_parameters": parameters.table,
        }

    def paired_differences(self, ranks: Mapping[str, Ranks]) -> dict[str, list[float]]:
        """95% intervals of NDCG@10 differences, paired over users, for the pairs of models that were ranked."""
        pairs = {name: pair for name, pair in PAIRS.items() if set(pair) <= set(ranks)}
        return paired(
            {name: self.per_user(found) for name, found in ranks.items()}, pairs, self.weights
        )

    def protocol(self) -> dict[str, Any]:
        """What the numbers were measured on."""
        return {
            "split": self.histories.protocol.method,
            "test_targets": len(self.targets.row),
            "test_users": self.weights.shape[1],
            "items": int(self.candidates.sum()),
            "negatives": self.negatives.shape[1],
            "seed": self.p.seed,
        }


def draw_negatives(histories: Histories, candidates: np.ndarray, p: EvaluateParams) -> np.ndarray:
    """Negatives of each user, uniform over the candidates that the user never met, drawn once for all models.

    # (U, negatives) uint32, rows without test targets are 0; with fewer items than asked for, as
    # many as there are
    """
    users = np.unique(histories.targets["test"].row)
    longest = max(
        (
            len(np.unique(histories.history(row, 0, _length(histories, row))))
            for row in users.tolist()
        ),
        default=0,
    )
    count = min(p.negatives, int(candidates.sum()) - longest)
    drawn = np.zeros((len(histories.users), max(count, 0)), dtype=np.uint32)
    for row in users.tolist():
        unmet = candidates.copy()
        unmet[histories.history(row, 0, _length(histories, row))] = False
        drawn[row] = np.random.default_rng((p.seed, row)).choice(
            np.flatnonzero(unmet), size=drawn.shape[1], replace=False
        )
    return drawn


def _length(histories: Histories, row: int) -> int:
    return int(histories.offsets[row + 1] - histories.offsets[row])


def slices_of(
    histories: Histories, targets: Targets, items: int, p: EvaluateParams
) -> dict[str, np.ndarray]:
    """Masks over the test targets: short inputs, tail items, items without a training event.  # each (N,) bool"""
    wanted = histories.items[histories.offsets[targets.row] + targets.position]
    counts = np.bincount(histories.training_items(), minlength=items)
    rising = np.sort(counts[FIRST_ITEM:][counts[FIRST_ITEM:] > 0])
    tail_events = p.tail_share * rising.sum()
    most = rising[max(int(np.searchsorted(np.cumsum(rising), tail_events, side="right")) - 1, 0)]
    return {
        "short_history": targets.input_stop <= p.short_history,
        "tail_items": (counts[wanted] > 0) & (counts[wanted] <= most),
        "new_items": counts[wanted] == 0,
    }
