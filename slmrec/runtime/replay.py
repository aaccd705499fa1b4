"""Golden cases run again, where a bundle is served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.runtime.bundle import GOLDEN
from slmrec.runtime.bundle_folder import ADVICE
from slmrec.runtime.comparison import Agreement, TopK, compare, expected_scores_of
from slmrec.runtime.golden import FIELDS, VECTOR, GraphInput, spread_of
from slmrec.runtime.npz import read_npz
from slmrec.runtime.session import RunGraph

# Of a field of a case: its type, and its shape in letters, one number a letter.
LAYOUT = {
    "history": (np.int64, "BT"),
    "exclude": (np.int64, "BX"),
    "k": (np.int64, ""),
    "items": (np.int64, "BK"),
    "scores": (np.float32, "BK"),
    "spread": (np.float32, "B"),
}
MOST_ROWS = 64  # of a case: each is scored against all items


@dataclass(frozen=True)
class ReplayResult:
    """How far the answers of a replay lay from the recorded ones."""

    cases: int
    rows: int
    max_difference: float  # of scores, as a share of the spread of the row's scores
    worst_case: str  # where the largest difference was
    near_ties: int  # rows in which tied items changed places


@dataclass(frozen=True)
class Case:
    """A golden case as it was recorded."""

    name: str
    given: GraphInput
    expected: TopK
    spread: np.ndarray  # (B,) standard deviation of a row's scores over all candidates
    vector: np.ndarray | None  # (B, W) what the user tower gives, where the bundle has one


def replay_golden_cases(
    data: bytes, run_graph: RunGraph, tolerance: float, candidates: int
) -> ReplayResult:
    """Run every golden case of the npz `data` again, on a graph of that many `candidates`.

    Raises BundleError naming the first case whose lists or scores are not the recorded ones;
    `tolerance` is a share of the spread of a row's scores.
    """
    agreements = {
        case.name: _replay(case, run_graph, tolerance, candidates) for case in cases_of(data)
    }
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


def _replay(case: Case, run_graph: RunGraph, tolerance: float, candidates: int) -> Agreement:
    actual = run_graph(case.given.history, case.given.exclude, case.given.k)
    _check_outputs(case, actual)
    # The unit of every difference, so it is no less under test than they are.
    _check_spread(case, spread_of(case.given, run_graph, candidates), tolerance)
    return check_list(case, actual, tolerance)


def check_list(case: Case, actual: TopK, tolerance: float) -> Agreement:
    """Compare a list with the recorded one, in units of the recorded spread.

    Raises BundleError, naming the case, where they differ.
    """
    expected = case.expected
    _check_outputs(case, actual)
    # Two scores that may each be off by the tolerance can change places when they are twice that
    # apart.
    expected_scores = expected_scores_of(actual.items, expected)
    agreement = compare(expected, actual, expected_scores, case.spread, 2 * tolerance)
    _check_agreement(case.name, agreement, tolerance)
    return agreement


def _check_outputs(case: Case, actual: TopK) -> None:
    expected = case.expected
    for name, got, wanted in (
        ("items", actual.items, expected.items),
        ("scores", actual.scores, expected.scores),
    ):
        if (got.shape, got.dtype) != (wanted.shape, wanted.dtype):
            raise BundleError(
                f"golden case {case.name}: the graph gives {name} of shape {got.shape} and type "
                f"{got.dtype}, recorded were {wanted.shape} and {wanted.dtype}"
            )


def _check_spread(case: Case, actual: np.ndarray, tolerance: float) -> None:
    # Where no score is off by more than the tolerance, neither is their standard deviation.
    if (np.abs(actual - case.spread) > tolerance * actual).any():
        raise BundleError(
            f"golden case {case.name}: the scores' spread is {actual.max():.6g} here, recorded "
            f"was {case.spread.max():.6g}; this runtime does not compute what was exported"
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


def cases_of(data: bytes) -> list[Case]:
    """The golden cases of an npz. Raises BundleError where it cannot be read or lacks a field."""
    try:
        arrays = read_npz(data)
    except ValueError as error:
        raise BundleError(f"{GOLDEN} is not readable ({error}); {ADVICE}") from error
    if not arrays:
        raise BundleError(f"{GOLDEN} lacks every case; {ADVICE}")
    return [_case(name, arrays) for name in sorted({key.rpartition(".")[0] for key in arrays})]


def _case(name: str, arrays: dict[str, np.ndarray]) -> Case:
    for field in FIELDS:
        if f"{name}.{field}" not in arrays:
            raise BundleError(f"{GOLDEN} lacks {name}.{field}; {ADVICE}")
    fields = {field: arrays[f"{name}.{field}"] for field in FIELDS}
    _check_layout(name, fields)
    given = GraphInput(fields["history"], fields["exclude"], int(fields["k"]))
    vector = arrays.get(f"{name}.{VECTOR}")
    return Case(name, given, TopK(fields["items"], fields["scores"]), fields["spread"], vector)


def _check_layout(name: str, fields: dict[str, np.ndarray]) -> None:
    """Raise BundleError unless the fields of a case have their types and fit each other."""
    sizes: dict[str, int] = {}
    for field, (dtype, letters) in LAYOUT.items():
        array = fields[field]
        fits = array.dtype == dtype and array.ndim == len(letters)
        if not fits or any(
            sizes.setdefault(letter, size) != size
            for letter, size in zip(letters, array.shape, strict=True)
        ):
            raise BundleError(
                f"{GOLDEN} holds {name}.{field} of shape {array.shape} and type {array.dtype}, "
                f"expected {np.dtype(dtype)} ({', '.join(letters)}); {ADVICE}"
            )
    if not 1 <= sizes["B"] <= MOST_ROWS:
        raise BundleError(
            f"{GOLDEN} has {sizes['B']:,} rows in {name}, expected 1 to {MOST_ROWS}; {ADVICE}"
        )
    if not sizes["T"] or not np.isfinite(fields["spread"]).all():
        raise BundleError(f"{GOLDEN} has no usable input or spread in {name}; {ADVICE}")
