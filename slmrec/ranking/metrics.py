"""Quality from ranks: hit rate, NDCG and reciprocal rank, averaged per user first."""

from __future__ import annotations

import numpy as np

# The rank of a target that is never recommended, because it stands in its own input and the
# protocol leaves such items out: a miss at any cutoff. Beyond every real rank.
NEVER_LISTED = np.iinfo(np.int64).max

FULL = ("hr@1", "hr@5", "hr@10", "ndcg@5", "ndcg@10", "mrr")
SAMPLED = ("hr@1", "hr@5", "ndcg@5", "mrr")


def gains(ranks: np.ndarray, metric: str) -> np.ndarray:
    """The value of hr@k, ndcg@k or mrr for each rank (N,), 1 being the best rank.  # (N,) float64

    With one relevant item the ideal DCG is 1, so NDCG@k is 1 / log2(rank + 1) within the first k.
    NEVER_LISTED is worth 0.
    """
    if metric == "mrr":
        return np.where(ranks == NEVER_LISTED, 0.0, 1 / ranks)
    name, _, cutoff = metric.partition("@")
    hits = ranks <= int(cutoff)
    return (
        hits.astype(np.float64) if name == "hr" else np.where(hits, 1 / np.log2(ranks + 1.0), 0.0)
    )


def user_means(values: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Mean of `values` (N,) over each user's targets, users (N,) in rising order of id.  # (U,)"""
    _, user_numbers, counts = np.unique(users, return_inverse=True, return_counts=True)
    return np.bincount(user_numbers, weights=values) / counts


def means(ranks: np.ndarray, users: np.ndarray, metrics: tuple[str, ...]) -> dict[str, float]:
    """Mean over users of the mean over a user's targets, for each metric."""
    return {metric: float(user_means(gains(ranks, metric), users).mean()) for metric in metrics}


def mean_ndcg10(ranks: np.ndarray, users: np.ndarray) -> float:
    """NDCG@10, mean over users: what training, bonuses and reports go by."""
    return means(ranks, users, ("ndcg@10",))["ndcg@10"]
