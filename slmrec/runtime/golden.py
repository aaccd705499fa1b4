"""Golden cases: inputs and outputs that travel with a bundle and are replayed where it is served."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime.comparison import Agreement, Answer, compare, scores_within

Answering = Callable[[np.ndarray, np.ndarray, int], Answer]  # history (B, T), exclude (B, X), k
MOST = 500  # candidates a golden list is long at most: a list of a million would weigh more than the model
FIELDS = ("history", "exclude", "k", "items", "scores", "spread")


@dataclass(frozen=True)
class Question:
    """One input of the graph."""

    history: np.ndarray  # (B, T) int64
    exclude: np.ndarray  # (B, X) int64
    k: int


@dataclass(frozen=True)
class Replay:
    """How a replay went: the worst score difference as a share of the scores' spread, and where."""

    cases: int
    rows: int
    worst: float
    where: str
    near_ties: int


def questions(
    rows: int, max_length: int, candidates: int, top: int, seed: int
) -> dict[str, Question]:
    """The golden inputs for a table of `rows` items, PAD and UNK included."""
    random = np.random.default_rng(seed)
    nothing = np.zeros((1, 0), dtype=np.int64)

    def drawn(length: int) -> np.ndarray:
        return random.integers(FIRST_ITEM, rows, (1, length))

    def alone(history: np.ndarray, k: int = min(top, candidates)) -> Question:
        return Question(history, nothing, k)

    mixed = _stacked(
        [drawn(length)[0] for length in (1, 2, max_length // 2 + 1, max_length, max_length + 7)]
    )
    return {
        "length_one": alone(drawn(1)),
        "length_max": alone(drawn(max_length)),
        "longer_than_max": alone(drawn(2 * max_length + 3)),
        "all_unknown": alone(np.full((1, 5), UNK)),
        "outside_the_table": alone(np.array([[-1, rows, rows + 12345]])),
        "empty": alone(np.full((1, 3), PAD)),
        "repeats": alone(np.repeat(drawn(1), 6, axis=1)),
        "mixed_batch": Question(mixed, mixed, min(top, candidates)),
        "k_one": alone(drawn(4), 1),
        "k_many": alone(drawn(4), min(candidates, MOST)),
    }


def _stacked(histories: list[np.ndarray]) -> np.ndarray:
    stacked = np.full((len(histories), max(map(len, histories))), PAD, dtype=np.int64)
    for row, history in enumerate(histories):
        stacked[row, : len(history)] = history
    return stacked


def record(asked: dict[str, Question], answering: Answering, candidates: int) -> bytes:
    """Ask every question and return an npz of questions and answers, and of each row's spread of scores over all candidates."""
    arrays: dict[str, np.ndarray] = {}
    for name, question in asked.items():
        answer = answering(question.history, question.exclude, question.k)
        every = answering(question.history, question.exclude, candidates).scores
        spread = np.array([row[np.isfinite(row)].std() for row in every], dtype=np.float32)
        values = (
            question.history,
            question.exclude,
            np.int64(question.k),
            answer.items,
            answer.scores,
            spread,
        )
        arrays.update(
            {
                f"{name}.{field}": np.asarray(value)
                for field, value in zip(FIELDS, values, strict=True)
            }
        )
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def replay(data: bytes, answering: Answering, tolerance: float) -> Replay:
    """Ask every golden question again. Raises BundleError naming the first case whose answer is not the recorded one."""
    arrays = _load(data)
    names = sorted({key.rpartition(".")[0] for key in arrays})
    agreements = {name: _replayed(name, arrays, answering, tolerance) for name in names}
    worst = {
        name: float(agreement.difference.max(initial=0.0)) for name, agreement in agreements.items()
    }
    where = max(names, key=worst.__getitem__)
    return Replay(
        cases=len(names),
        rows=sum(len(agreement.identical) for agreement in agreements.values()),
        worst=worst[where],
        where=where,
        near_ties=sum(int(agreement.near_ties.sum()) for agreement in agreements.values()),
    )


def _replayed(
    name: str, arrays: dict[str, np.ndarray], answering: Answering, tolerance: float
) -> Agreement:
    history, exclude, k, items, scores, spread = (arrays[f"{name}.{field}"] for field in FIELDS)
    expected, found = Answer(items, scores), answering(history, exclude, int(k))
    if found.items.shape != items.shape:
        raise BundleError(
            f"golden case {name}: the graph gives lists of shape {found.items.shape}, recorded were {items.shape}"
        )
    # Two scores that may each be off by the tolerance can change places when they are twice that
    # apart.
    agreement = compare(
        expected, found, scores_within(found.items, expected), spread, 2 * tolerance
    )
    worst = agreement.difference.max(initial=0.0)
    strange = ~(agreement.identical | agreement.near_ties)
    if worst > tolerance or strange.any():
        raise BundleError(
            f"golden case {name}: scores differ by {worst:.1e} of their spread (tolerance {tolerance:.0e}) and {strange.sum()} of "
            f"{len(items)} lists hold other items; this runtime does not compute what was exported"
        )
    return agreement


def _load(data: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise BundleError(
            f"golden.npz is not readable ({error}); fetch the bundle again or run dvc repro"
        ) from error
    names = {key.rpartition(".")[0] for key in arrays}
    lacking = [
        f"{name}.{field}"
        for name in sorted(names)
        for field in FIELDS
        if f"{name}.{field}" not in arrays
    ]
    if lacking or not names:
        raise BundleError(
            f"golden.npz lacks {lacking[0] if lacking else 'every case'}; fetch the bundle again or run dvc repro"
        )
    return arrays
