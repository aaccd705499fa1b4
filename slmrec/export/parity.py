"""Parity: the exported graph compared with torch over a grid of batch sizes and lengths.

The torch side is the plainest there is: each history alone, cut to its newest items, no padding, no
mask. Whatever the graph does about batches, padding, cutting and masking is therefore under test.
Differences are shares of the spread (standard deviation) of a row's scores over all candidates,
since the scale of scores means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import torch

from slmrec.core.errors import PromiseError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.graph import Additions
from slmrec.models.factory import SequenceModel
from slmrec.neighbours.blend import NeighbourScores
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.comparison import TopK, compare, score_difference
from slmrec.runtime.session import RunGraph


@dataclass
class Parity:
    """The differences between torch and the graph. `add` each comparison, then `check` once."""

    candidates: np.ndarray  # (I,) bool
    p: ExportParams
    rows: int = field(default=0, init=False)
    identical: int = field(default=0, init=False)  # rows with the same best items, in order
    near_ties: int = field(default=0, init=False)  # rows in which only tied items changed places
    max_difference: float = field(default=0.0, init=False)
    worst_case: str = field(default="nowhere", init=False)

    def add(self, expected: np.ndarray, actual: np.ndarray, case: str) -> None:
        """Compare torch's scores (B, I) with the graph's; `case` names them in the message."""
        expected = np.where(self.candidates, expected, -np.inf)
        spread = expected[:, self.candidates].std(axis=1)  # (B,)
        self._compare_lists(expected, actual, spread)
        unit = np.where(spread > 0, spread, 1.0)[:, None]
        difference = score_difference(expected, actual) / unit  # (B, I)
        row, item = np.unravel_index(difference.argmax(), difference.shape)
        if difference[row, item] > self.max_difference:
            self.max_difference = float(difference[row, item])
            self.worst_case = (
                f"{case}, row {row}, item index {item}: "
                f"torch {expected[row, item]:.6g}, graph {actual[row, item]:.6g}"
            )

    def _compare_lists(self, expected: np.ndarray, actual: np.ndarray, spread: np.ndarray) -> None:
        actual_top = top_k(actual, self._k)
        expected_scores = np.take_along_axis(expected, actual_top.items, axis=1)
        agreement = compare(
            top_k(expected, self._k), actual_top, expected_scores, spread, self.p.near_tie
        )
        self.rows += len(expected)
        self.identical += int(agreement.identical.sum())
        self.near_ties += int(agreement.near_ties.sum())

    @property
    def _k(self) -> int:
        return min(self.p.top, int(self.candidates.sum()))

    def check(self) -> None:
        """Raise PromiseError when scores or lists differ by more than params.export_onnx allows.

        The message names the case with the largest difference and the versions.
        """
        if problem := self._problem():
            versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
            raise PromiseError(f"{problem}; {versions}, opset {self.p.opset}; nothing was written")

    def _problem(self) -> str | None:
        if self.max_difference > self.p.max_score_difference:
            return (
                f"graph and torch differ by {self.max_difference:.1e} of the scores' spread, "
                f"allowed is {self.p.max_score_difference:.0e}; at {self.worst_case}"
            )
        same = (self.identical + self.near_ties) / self.rows
        if same < self.p.min_same_top10:
            return (
                f"only {same:.4f} of {self.rows} rows have the same {self._k} best items in graph "
                f"and torch, wanted {self.p.min_same_top10} (ties within {self.p.near_tie:.0e} of "
                "the spread aside)"
            )
        return None

    def as_json(self) -> dict[str, float | int]:
        """The measured parity; `same_top10` counts identical lists only, near-ties apart."""
        return {
            "max_abs_difference": self.max_difference,
            "same_top10": self.identical / self.rows,
            "near_ties": self.near_ties / self.rows,
            "rows": self.rows,
        }


def compare_on_grid(
    model: SequenceModel, additions: Additions, run_graph: RunGraph, parity: Parity
) -> None:
    """Compare on random histories of every batch size and length of params.export_onnx.

    The lengths in a batch are mixed, and its last row is as long as the batch is wide.
    """
    rng = np.random.default_rng(parity.p.seed)
    table = model.item_embedding.folded().detach().numpy()  # (I, E)
    bonuses = model.item_embedding.bonuses().numpy()  # (I,)
    candidates = int(parity.candidates.sum())
    for batch in parity.p.batches:
        for length in parity.p.lengths:
            histories = _random_histories(rng, batch, length, len(table))
            vectors = [_user_vector(model, row[row != PAD]) for row in histories]
            expected = np.stack(vectors) @ table.T + bonuses  # (B, I)
            if additions.neighbours is not None:
                expected += [
                    _from_neighbours(additions.neighbours, row, model) for row in histories
                ]
            if additions.popularity is not None:
                cold = [_knows_nothing(row, model.max_length) for row in histories]
                expected[cold] = additions.popularity.numpy()
            top = run_graph(histories, histories[:, :0], candidates)
            parity.add(
                expected, scores_by_item(top, len(table)), f"batch {batch} x length {length}"
            )


def scores_by_item(top: TopK, items: int) -> np.ndarray:
    """Scores (B, I) of a list of all candidates; -inf for what never comes out.  # float32"""
    scores = np.full((len(top.items), items), -np.inf, dtype=np.float32)
    np.put_along_axis(scores, top.items, top.scores, axis=1)
    return scores


def top_k(scores: np.ndarray, k: int) -> TopK:
    """The k best of scores (B, I); ties go to the lower index, as in onnxruntime's TopK."""
    items = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return TopK(items, np.take_along_axis(scores, items, axis=1))


def _random_histories(rng: np.random.Generator, batch: int, length: int, rows: int) -> np.ndarray:
    lengths = rng.integers(1, length, batch, endpoint=True)
    lengths[-1] = length
    real = np.arange(length) < lengths[:, None]
    return np.where(real, rng.integers(UNK, rows, (batch, length)), PAD)  # (B, T)


def _from_neighbours(
    neighbours: NeighbourScores, history: np.ndarray, model: SequenceModel
) -> np.ndarray:
    """What neighbours add to each item's score, item by item of the history.  # (I,)"""
    newest_first = history[history != PAD][-model.max_length :][::-1]
    added = np.zeros(len(model.item_embedding), dtype=np.float32)
    if neighbours.trend is not None:
        added += neighbours.trend.numpy()
    for source, term in neighbours.blend.terms.items():
        rows, sums = neighbours.rows_of(source), np.zeros_like(added)
        for decay, item in zip(neighbours.decays.numpy(), newest_first, strict=False):
            np.add.at(sums, rows.items[item].numpy(), decay * rows.weights[item].numpy())
        added += term.weight * np.log1p(sums / term.epsilon)
    return added


def _knows_nothing(history: np.ndarray, longest: int) -> bool:
    return bool((history[history != PAD][-longest:] < FIRST_ITEM).all())


def _user_vector(model: SequenceModel, items: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model.forward(torch.from_numpy(items[-model.max_length :])[None])[0, -1].numpy()
