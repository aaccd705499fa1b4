"""The negatives of the paper's sampled protocol: drawn once, the same for every model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.files import new_file
from slmrec.dataset.histories import Histories
from slmrec.params.evaluate import EvaluateParams


def draw_negatives(histories: Histories, candidates: np.ndarray, p: EvaluateParams) -> np.ndarray:
    """Negatives of each test user, uniform over the candidates (I,) the user never met.

    Every user gets `p.negatives`, or as many as are left to the user who met most items. Rows of
    users without a test target are 0.  # (U, negatives) uint32
    """
    users = np.unique(histories.targets["test"].row).tolist()
    most_met = max((len(np.unique(_items_met(histories, row))) for row in users), default=0)
    count = max(min(p.negatives, int(candidates.sum()) - most_met), 0)
    negatives = np.zeros((len(histories.users), count), dtype=np.uint32)
    for row in users:
        unmet = candidates.copy()
        unmet[_items_met(histories, row)] = False
        random = np.random.default_rng((p.seed, row))
        negatives[row] = random.choice(np.flatnonzero(unmet), size=count, replace=False)
    return negatives


def write_negatives(path: Path, negatives: np.ndarray, histories: Histories) -> None:
    """Store the negatives (U, negatives), one row a test user."""
    rows = np.unique(histories.targets["test"].row)
    schema = pl.Schema(
        {"user_index": pl.UInt32(), "negatives": pl.Array(pl.UInt32, negatives.shape[1])}
    )
    columns = {"user_index": histories.users[rows], "negatives": negatives[rows]}
    with new_file(path) as temporary:
        pl.DataFrame(columns, schema=schema).write_parquet(temporary)


def _items_met(histories: Histories, row: int) -> np.ndarray:
    return histories.items[histories.offsets[row] : histories.offsets[row + 1]]
