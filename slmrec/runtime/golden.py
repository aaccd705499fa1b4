"""Golden cases: inputs and outputs that travel with a bundle, recorded where it is made."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime.padding import pad_rows
from slmrec.runtime.session import RunGraph

LONGEST_LIST = 500  # candidates; a golden list of a million would weigh more than the model
# Arrays of a case, as golden.npz names them: {case}.history, {case}.exclude, ...
FIELDS = ("history", "exclude", "k", "items", "scores", "spread")
VECTOR = "vector"  # one more of each case in a bundle with a user tower: what that gives
# A user tower as a function: history (B, T) int64 -> vectors (B, W) float32.
EmbedUsers = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class GraphInput:
    """One input of the graph."""

    history: np.ndarray  # (B, T) int64
    exclude: np.ndarray  # (B, X) int64
    k: int


def golden_inputs(
    rows: int, max_length: int, candidates: int, top: int, seed: int
) -> dict[str, GraphInput]:
    """The golden inputs by case, for an item table of `rows` rows, PAD and UNK included."""
    rng = np.random.default_rng(seed)
    k = min(top, candidates)

    def draw(length: int) -> np.ndarray:
        return rng.integers(FIRST_ITEM, rows, (1, length))

    # Drawn before the other cases: the order of draws decides the bytes of golden.npz.
    lengths = (1, 2, max_length // 2 + 1, max_length, max_length + 7)
    mixed = pad_rows([draw(length)[0] for length in lengths])
    histories = {
        "length_one": draw(1),
        "length_max": draw(max_length),
        "longer_than_max": draw(2 * max_length + 3),
        "all_unknown": np.full((1, 5), UNK),
        "outside_the_table": np.array([[-1, rows, rows + 12345]]),
        "empty": np.full((1, 3), PAD),
        "repeats": np.repeat(draw(1), 6, axis=1),
    }
    return {
        **{case: _without_exclusions(history, k) for case, history in histories.items()},
        "mixed_batch": GraphInput(mixed, mixed, k),
        "k_one": _without_exclusions(draw(4), 1),
        "k_many": _without_exclusions(draw(4), min(candidates, LONGEST_LIST)),
    }


def _without_exclusions(history: np.ndarray, k: int) -> GraphInput:
    return GraphInput(history, np.zeros((len(history), 0), dtype=np.int64), k)


def record_golden_cases(
    inputs: dict[str, GraphInput],
    run_graph: RunGraph,
    candidates: int,
    embed_users: EmbedUsers | None = None,
) -> bytes:
    """An npz of every input, what the graph gives for it, and the spread of each row's scores.

    The spread is the standard deviation over all candidates. With `embed_users`, the users' vectors
    as well.
    """
    arrays = {
        f"{case}.{field}": np.asarray(value)
        for case, graph_input in inputs.items()
        for field, value in _record(graph_input, run_graph, candidates).items()
    }
    if embed_users is not None:
        vectors = {f"{case}.{VECTOR}": embed_users(given.history) for case, given in inputs.items()}
        arrays |= vectors
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _record(case: GraphInput, run_graph: RunGraph, candidates: int) -> dict[str, Any]:
    top = run_graph(case.history, case.exclude, case.k)
    spread = spread_of(case, run_graph, candidates)
    values = (case.history, case.exclude, np.int64(case.k), top.items, top.scores, spread)
    return dict(zip(FIELDS, values, strict=True))


def spread_of(case: GraphInput, run_graph: RunGraph, candidates: int) -> np.ndarray:
    """The standard deviation of each row's scores over all candidates.  # (B,) float32"""
    all_scores = run_graph(case.history, case.exclude, candidates).scores
    # A row whose candidates are all excluded has no scores to differ.
    finite = [row[np.isfinite(row)] for row in all_scores]
    return np.array([row.std() if len(row) else 0.0 for row in finite], dtype=np.float32)
