"""Parity of the further graphs: what they compute, compared with torch."""

from __future__ import annotations

import numpy as np

from slmrec.export.parity import Parity, compare_on_grid, top_k
from slmrec.models.factory import SequenceModel
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import EmbedUsers
from slmrec.runtime.item_vectors import read_item_vectors


def check_user_tower(
    model: SequenceModel, embed: EmbedUsers, item_vectors: bytes, parity: Parity
) -> None:
    """Compare users' vectors times items' vectors with the model's own scores, on the grid.

    Raises PromiseError where they differ by more than params.export_onnx allows.
    """
    table = read_item_vectors(item_vectors)

    def run(history: np.ndarray, _exclude: np.ndarray, k: int) -> TopK:
        best = top_k(embed(history) @ table.vectors.T, k)
        return TopK(table.items[best.items], best.scores)

    compare_on_grid(model, None, run, parity)
    parity.check()
