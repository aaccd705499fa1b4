"""The graphs beside model.onnx, checked where they are served: they give the golden answers too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.bundle import GOLDEN, Bundle, sha256_of_bytes
from slmrec.runtime.bundle_folder import ADVICE
from slmrec.runtime.comparison import TopK
from slmrec.runtime.further_graphs import (
    ITEM_VECTORS,
    MODEL_FP16,
    MODEL_INT8,
    SERVE_FIXED,
    STEP,
    USER_TOWER,
    file_of,
)
from slmrec.runtime.item_vectors import read_item_vectors
from slmrec.runtime.items import CANDIDATES, ServedItems
from slmrec.runtime.replay import Case, cases_of, check_list
from slmrec.runtime.session import embed_users, graph_errors, open_graph, run_graph
from slmrec.runtime.stepper import run_step

if TYPE_CHECKING:
    import onnxruntime as ort

    from slmrec.runtime.recommender import Device

Check = Callable[["ort.InferenceSession", list[Case], float], None]


def check_further_graphs(
    bundle: Bundle, items: ServedItems, device: Device, threads: int | None
) -> list[str]:
    """Replay the golden cases through each further graph that this slmrec knows; their names.

    Raises BundleError naming the graph that belongs to another bundle, does not run, or answers
    otherwise, and for item vectors that are not the contract's.
    """
    default = bundle.contract["tolerance"][bundle.contract["precision"]]
    cases = cases_of(bundle.files[GOLDEN])
    checked = [name for name in bundle.contract.get("graphs", {}) if name in CHECKS]
    for name in checked:
        file = file_of(name)
        # That of fewer bits, where the graph has them.
        tolerance = bundle.contract["graphs"][name].get("tolerance", default)
        session = open_graph(bundle, file, items.rows, device, threads).session
        named = [replace(case, name=f"{case.name} of {file}") for case in cases]
        try:
            CHECKS[name](session, named, tolerance)
        except graph_errors() as error:
            message = " ".join(str(error).split())[:300]
            raise BundleError(f"{file} does not run on the golden cases: {message}") from error
    if USER_TOWER in checked:
        _check_item_vectors(bundle, items)
    return checked


def run_fixed(session: ort.InferenceSession) -> Callable[[np.ndarray, np.ndarray, int], TopK]:
    """`serve_fixed.onnx` as a function: history (B, T), exclude (B, X), k -> at most the best k."""

    def run(history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        inputs = {"history": history, "exclude": exclude}
        items, scores = session.run(["items", "scores"], inputs)
        return TopK(items[:, :k], scores[:, :k])

    return run


def _check_fixed_lists(session: ort.InferenceSession, cases: list[Case], tolerance: float) -> None:
    run = run_fixed(session)
    length = session.get_outputs()[0].shape[1]
    for case in cases:
        # A golden list may be longer than those of this graph: then it has to begin with them.
        expected = TopK(case.expected.items[:, :length], case.expected.scores[:, :length])
        given = case.given
        actual = run(given.history, given.exclude, given.k)
        check_list(replace(case, expected=expected), actual, tolerance)


def _check_lists(session: ort.InferenceSession, cases: list[Case], tolerance: float) -> None:
    for case in cases:
        given = case.given
        check_list(case, run_graph(session, given.history, given.exclude, given.k), tolerance)


def _check_vectors(session: ort.InferenceSession, cases: list[Case], tolerance: float) -> None:
    for case in cases:
        vector, wanted = embed_users(session, case.given.history), case.vector
        if wanted is None:
            raise BundleError(f"{GOLDEN} lacks the vector of golden case {case.name}; {ADVICE}")
        if (vector.shape, vector.dtype) != (wanted.shape, wanted.dtype):
            raise BundleError(
                f"golden case {case.name}: the vector is of shape {vector.shape} and type "
                f"{vector.dtype}, recorded were {wanted.shape} and {wanted.dtype}"
            )
        spread = np.where(wanted.std(axis=1) > 0, wanted.std(axis=1), 1.0)[:, None]
        difference = np.abs(vector - wanted) / spread
        if not (difference <= tolerance).all():  # not a number is no agreement either
            raise BundleError(
                f"golden case {case.name}: vectors differ by {difference.max():.1e} of their "
                f"spread (tolerance {tolerance:.0e}); this runtime does not compute what was "
                "exported"
            )


def _check_steps(session: ort.InferenceSession, cases: list[Case], tolerance: float) -> None:
    """All events but the last become a state, the last is the step, and the list the golden one."""
    empty = next(value.shape for value in session.get_inputs() if value.name == "state")[1:]
    for case in cases:
        for row, history in enumerate(case.given.history):
            length = max(1, int(np.flatnonzero(history).max(initial=-1)) + 1)
            newest = history[None, max(0, length - empty[0]) : length]
            alone, exclude = one_row(case, row), case.given.exclude[row : row + 1]
            items, state = np.zeros((1, empty[0]), np.int64), np.zeros((1, *empty), np.float32)
            if newest.shape[1] > 1:
                before = run_step(session, newest[:, :-1], exclude, 1, items, state)
                items, state = before.items, before.state
            last = run_step(session, newest[:, -1:], exclude, case.given.k, items, state)
            check_list(alone, last.top, tolerance)


def one_row(case: Case, row: int) -> Case:
    """A golden case of one of its rows alone."""
    only, expected = slice(row, row + 1), case.expected
    return replace(
        case,
        expected=TopK(expected.items[only], expected.scores[only]),
        spread=case.spread[only],
    )


CHECKS: dict[str, Check] = {
    SERVE_FIXED: _check_fixed_lists,
    MODEL_INT8: _check_lists,
    MODEL_FP16: _check_lists,
    USER_TOWER: _check_vectors,
    STEP: _check_steps,
}


def _check_item_vectors(bundle: Bundle, items: ServedItems) -> None:
    """Raise BundleError unless they are those of the contract, one for each candidate."""
    described: dict[str, Any] = bundle.contract["graphs"][USER_TOWER]["item_vectors"]
    data = bundle.files[ITEM_VECTORS]
    if (actual := sha256_of_bytes(data)) != described["sha256"]:
        raise BundleError(
            f"{ITEM_VECTORS} belongs to another graph: its sha256 is {actual}, the contract says "
            f"{described['sha256']}; use the files of one export"
        )
    found = read_item_vectors(data)
    candidates = [status in CANDIDATES for status in items.statuses]
    indices = np.flatnonzero(candidates) + FIRST_ITEM
    if not np.array_equal(found.items, indices) or found.vectors.shape[1] != described["width"]:
        raise BundleError(
            f"{ITEM_VECTORS} holds {len(found.items):,} vectors of width "
            f"{found.vectors.shape[1]}, expected {len(indices):,} of {described['width']}, one for "
            f"each item that can be recommended; {ADVICE}"
        )
