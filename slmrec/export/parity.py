"""Parity: the exported graph against torch, over a grid of batch sizes and lengths and on real histories.

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
from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.batches import right_padded
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.params.export_onnx import ExportParams
from slmrec.ranking.scorers import ModelScorer
from slmrec.runtime.comparison import Answer, compare, distance
from slmrec.runtime.golden import Answering


def dense(answer: Answer, rows: int) -> np.ndarray:
    """Scores of a list of all candidates by item index; -inf for what never comes out.  # (B, rows) float32"""
    scores = np.full((len(answer.items), rows), -np.inf, dtype=np.float32)
    np.put_along_axis(scores, answer.items, answer.scores, axis=1)
    return scores


@dataclass
class Parity:
    """What comparisons came to so far. `add` each, then `check` once."""

    candidates: np.ndarray  # (I,) bool
    p: ExportParams
    rows: int = field(default=0, init=False)
    identical: int = field(default=0, init=False)
    near_ties: int = field(default=0, init=False)
    worst: float = field(default=0.0, init=False)
    where: str = field(default="nowhere", init=False)

    def add(self, expected: np.ndarray, found: np.ndarray, where: str) -> None:
        """Compare torch's scores (B, I) with the graph's; `where` names the case for the message."""
        expected = np.where(self.candidates, expected, -np.inf)
        spread = expected[:, self.candidates].std(axis=1)  # (B,)
        apart = distance(expected, found) / np.where(spread > 0, spread, 1.0)[:, None]  # (B, I)
        best, listed = _top(expected, self._k), _top(found, self._k)
        lists = compare(
            best,
            listed,
            np.take_along_axis(expected, listed.items, axis=1),
            spread,
            self.p.near_tie,
        )
        self.rows += len(expected)
        self.identical += int(lists.identical.sum())
        self.near_ties += int(lists.near_ties.sum())
        row, item = np.unravel_index(apart.argmax(), apart.shape)
        if apart[row, item] > self.worst:
            self.worst = float(apart[row, item])
            self.where = f"{where}, row {row}, item index {item}: torch {expected[row, item]:.6g}, graph {found[row, item]:.6g}"

    @property
    def _k(self) -> int:
        return min(self.p.top, int(self.candidates.sum()))

    def check(self) -> None:
        """Raise PromiseError, naming the culprit, when scores or lists differ by more than params.export_onnx allows."""
        versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, opset {self.p.opset}"
        if self.worst > self.p.max_score_difference:
            raise PromiseError(
                f"graph and torch differ by {self.worst:.1e} of the scores' spread, allowed is {self.p.max_score_difference:.0e}; "
                f"at {self.where}; {versions}; nothing was written"
            )
        same = (self.identical + self.near_ties) / self.rows
        if same < self.p.min_same_top10:
            raise PromiseError(
                f"only {same:.4f} of {self.rows} rows have the same {self._k} best items in graph and torch, wanted "
                f"{self.p.min_same_top10} (ties within {self.p.near_tie:.0e} of the spread aside); {versions}; nothing was written"
            )

    def as_json(self) -> dict[str, float | int]:
        """The measured parity; `same_top10` counts identical lists alone, near-ties stand beside it."""
        return {
            "max_abs_difference": self.worst,
            "same_top10": self.identical / self.rows,
            "near_ties": self.near_ties / self.rows,
            "rows": self.rows,
        }


def _top(scores: np.ndarray, k: int) -> Answer:
    items = np.argsort(-scores, axis=1, kind="stable")[
        :, :k
    ]  # ties to the lower index, as onnxruntime's TopK has it
    return Answer(items, np.take_along_axis(scores, items, axis=1))


def compare_on_grid(model: SequenceModel, answering: Answering, parity: Parity) -> None:
    """Random histories of every batch size and length of params.export_onnx; in each batch the lengths are mixed, one is whole."""
    random = np.random.default_rng(parity.p.seed)
    table, bonuses = (
        model.item_embedding.folded().detach().numpy(),
        model.item_embedding.bonuses().numpy(),
    )  # (I, E), (I,)
    nothing = np.zeros((1, 0), dtype=np.int64)
    for batch in parity.p.batches:
        for length in parity.p.lengths:
            lengths = random.integers(1, length, batch, endpoint=True)
            lengths[-1] = length
            history = np.where(
                np.arange(length) < lengths[:, None],
                random.integers(UNK, len(table), (batch, length)),
                PAD,
            )
            expected = (
                np.stack([_user_vector(model, row[row != PAD]) for row in history]) @ table.T
                + bonuses
            )
            answer = answering(history, nothing.repeat(batch, axis=0), int(parity.candidates.sum()))
            parity.add(expected, dense(answer, len(table)), f"batch {batch} x length {length}")


def _user_vector(model: SequenceModel, items: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model.forward(torch.from_numpy(items[-model.max_length :])[None])[0, -1].numpy()


class GraphScorer:
    """Scores histories with the graph itself, so that what is measured is what is served; some batches are held against torch."""

    def __init__(
        self, model: SequenceModel, answering: Answering, histories: Histories, parity: Parity
    ) -> None:
        self.reference = ModelScorer(model, histories)
        self.answering = answering
        self.histories = histories
        self.parity = parity
        self.batches = 0

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        """Scores of every item; what the graph never recommends has -inf.  # (len(rows), I)"""
        whole = right_padded(
            self.histories, rows, stops, int(stops.max())
        )  # not cut to length: that is the graph's to do
        nothing = np.zeros((len(rows), 0), dtype=np.int64)
        found = dense(
            self.answering(whole, nothing, int(self.parity.candidates.sum())),
            len(self.parity.candidates),
        )
        if self.batches % self.parity.p.compare_every == 0:
            users = self.histories.users[rows]
            self.parity.add(
                self.reference.score(rows, stops).numpy(),
                found,
                f"test inputs of users {users[0]} to {users[-1]}",
            )
        self.batches += 1
        return torch.from_numpy(found)
