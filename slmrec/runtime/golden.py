"""Golden cases: inputs and outputs that travel with a bundle, replayed where it is served."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime.bundle import ADVICE, GOLDEN
from slmrec.runtime.comparison import Agreement, TopK, compare, expected_scores_of
from slmrec.runtime.padding import pad_rows
from slmrec.runtime.session import RunGraph

LONGEST_LIST = 500  # candidates; a golden list of a million would weigh more than the model
# Arrays of a case, as golden.npz names them: {case}.history, {case}.exclude, ...
FIELDS = ("history", "exclude", "k", "items", "scores", "spread")


@dataclass(frozen=True)
class GraphInput:
    """One input of the graph."""

    history: np.ndarray  # (B, T) int64
    exclude: np.ndarray  # (B, X) int64
    k: int


@dataclass(frozen=True)
class ReplayResult:
    """How far the answers of a replay lay from the recorded ones."""

    cases: int
    rows: int
    max_difference: float  # of scores, as a share of the spread of the row's scores
    worst_case: str  # where the largest difference was
    near_ties: int  # rows in which tied items changed places


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
    inputs: dict[str, GraphInput], run_graph: RunGraph, candidates: int
) -> bytes:
    """An npz of every input, what the graph gives for it, and the spread of each row's scores.

    The spread is the standard deviation over all candidates.
    """
    arrays = {
        f"{case}.{field}": np.asarray(value)
        for case, graph_input in inputs.items()
        for field, value in _record(graph_input, run_graph, candidates).items()
    }
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _record(case: GraphInput, run_graph: RunGraph, candidates: int) -> dict[str, Any]:
    top = run_graph(case.history, case.exclude, case.k)
    all_scores = run_graph(case.history, case.exclude, candidates).scores
    # A row whose candidates are all excluded has no scores to differ.
    finite = [row[np.isfinite(row)] for row in all_scores]
    spread = np.array([row.std() if len(row) else 0.0 for row in finite], dtype=np.float32)
    values = (case.history, case.exclude, np.int64(case.k), top.items, top.scores, spread)
    return dict(zip(FIELDS, values, strict=True))


def replay_golden_cases(data: bytes, run_graph: RunGraph, tolerance: float) -> ReplayResult:
    """Run every golden case of the npz `data` again.

    Raises BundleError naming the first case whose lists or scores are not the recorded ones;
    `tolerance` is a share of the spread of a row's scores.
    """
    arrays = _load_arrays(data)
    agreements = {case: _replay(case, arrays, run_graph, tolerance) for case in _cases(arrays)}
    difference = {
        case: float(agreement.max_difference.max(initial=0.0))
        for case, agreement in agreements.items()
    }
    worst_case = max(difference, key=difference.__getitem__)
    return ReplayResult(
        cases=len(agreements),
        rows=sum(len(agreement.identical) for agreement in agreements.values()),
        max_difference=difference[worst_case],
        worst_case=worst_case,
        near_ties=sum(int(agreement.near_ties.sum()) for agreement in agreements.values()),
    )


def _replay(
    case: str, arrays: dict[str, np.ndarray], run_graph: RunGraph, tolerance: float
) -> Agreement:
    history, exclude, k, items, scores, spread = (arrays[f"{case}.{field}"] for field in FIELDS)
    expected, actual = TopK(items, scores), run_graph(history, exclude, int(k))
    _check_shape(case, actual, expected)
    # Two scores that may each be off by the tolerance can change places when they are twice that
    # apart.
    expected_scores = expected_scores_of(actual.items, expected)
    agreement = compare(expected, actual, expected_scores, spread, 2 * tolerance)
    _check_agreement(case, agreement, tolerance)
    return agreement


def _check_shape(case: str, actual: TopK, expected: TopK) -> None:
    if actual.items.shape != expected.items.shape:
        raise BundleError(
            f"golden case {case}: the graph gives lists of shape {actual.items.shape}, "
            f"recorded were {expected.items.shape}"
        )


def _check_agreement(case: str, agreement: Agreement, tolerance: float) -> None:
    difference = agreement.max_difference.max(initial=0.0)
    other_items = ~(agreement.identical | agreement.near_ties)
    if difference > tolerance or other_items.any():
        raise BundleError(
            f"golden case {case}: scores differ by {difference:.1e} of their spread "
            f"(tolerance {tolerance:.0e}) and {other_items.sum()} of {len(other_items)} lists hold "
            "other items; this runtime does not compute what was exported"
        )


def _load_arrays(data: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise BundleError(f"{GOLDEN} is not readable ({error}); {ADVICE}") from error
    if not arrays:
        raise BundleError(f"{GOLDEN} lacks every case; {ADVICE}")
    for case in _cases(arrays):
        for field in FIELDS:
            if f"{case}.{field}" not in arrays:
                raise BundleError(f"{GOLDEN} lacks {case}.{field}; {ADVICE}")
    return arrays


def _cases(arrays: dict[str, np.ndarray]) -> list[str]:
    return sorted({key.rpartition(".")[0] for key in arrays})
