"""The negatives of the paper's sampled protocol: drawn once, the same for every model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.files import new_file
from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories
from slmrec.params.evaluate import EvaluateParams


def draw_negatives(histories: Histories, candidates: np.ndarray, p: EvaluateParams) -> np.ndarray:
    """Negatives of each test user, uniform over the candidates (I,) the user never met.

    Every user gets `p.negatives`, or all there are where fewer are left to this user; the row is
    padded with PAD. Rows of users without a test target are PAD.  # (U, negatives) uint32
    """
    negatives = np.full((len(histories.users), p.negatives), PAD, dtype=np.uint32)
    for row in np.unique(histories.targets["test"].row).tolist():
        unmet = candidates.copy()
        unmet[_items_met(histories, row)] = False
        count = min(p.negatives, int(unmet.sum()))
        random = np.random.default_rng((p.seed, row))
        negatives[row, :count] = random.choice(np.flatnonzero(unmet), size=count, replace=False)
    return negatives


def write_negatives(path: Path, negatives: np.ndarray, histories: Histories) -> None:
    """Store the negatives (U, negatives), a list for each test user."""
    rows = np.unique(histories.targets["test"].row)
    schema = pl.Schema({"user_index": pl.UInt32(), "negatives": pl.List(pl.UInt32)})
    lists = [row[row != PAD] for row in negatives[rows]]
    columns = {"user_index": histories.users[rows], "negatives": lists}
    with new_file(path) as temporary:
        pl.DataFrame(columns, schema=schema).write_parquet(temporary)


def _items_met(histories: Histories, row: int) -> np.ndarray:
    return histories.items[histories.offsets[row] : histories.offsets[row + 1]]
