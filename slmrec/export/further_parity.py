"""Parity of the further graphs: what they compute, compared with torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from slmrec.core.vocabulary import UNK
from slmrec.export.graph import MODEL_ALONE
from slmrec.export.parity import Parity, compare_on_grid, scores_by_item, top_k
from slmrec.models.factory import SequenceModel
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import EmbedUsers
from slmrec.runtime.item_vectors import read_item_vectors
from slmrec.runtime.session import RunGraph
from slmrec.runtime.stepper import Stepped

# events (B, T), exclude (B, X), k, items (B, W), state (B, W, ...) -> lists and the next state
RunStep = Callable[[np.ndarray, np.ndarray, int, np.ndarray, np.ndarray], Stepped]


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

    compare_on_grid(model, MODEL_ALONE, run, parity)
    parity.check()


def check_steps(run_step: RunStep, run: RunGraph, shape: tuple[int, ...], parity: Parity) -> None:
    """Step through random histories until the window is full, beside the whole graph.

    As many histories at once as the largest batch of the grid; lists of all candidates are compared
    at the grid's lengths and at the end, since of a large catalogue each takes long. Raises
    PromiseError where they differ by more than params.export_onnx allows.
    """
    window, batch, rows = shape[0], max(parity.p.batches), len(parity.candidates)
    rng = np.random.default_rng(parity.p.seed)
    histories = rng.integers(UNK, rows, (batch, window))
    items, state = np.zeros((batch, window), np.int64), np.zeros((batch, *shape), np.float32)
    nothing, candidates = histories[:, :0], int(parity.candidates.sum())
    compared = {*parity.p.lengths, window}
    for stop in range(1, window + 1):
        k = candidates if stop in compared else 1
        step = run_step(histories[:, stop - 1 : stop], nothing, k, items, state)
        items, state = step.items, step.state
        if stop not in compared:
            continue
        whole = run(histories[:, :stop], nothing, candidates)
        parity.add(
            scores_by_item(whole, rows), scores_by_item(step.top, rows), f"step {stop} of a history"
        )
    parity.check()
