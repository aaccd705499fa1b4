"""What a teacher says at training positions: the states of its blocks and its best items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import trained_rows
from slmrec.models.llama import LlamaRecommender

ITEM_BYTES = {"float16": 2, "float32": 4}


@dataclass(frozen=True)
class StatesShape:
    """Sizes of a recording: N training positions, K blocks of the teacher, its width D and the top items kept."""

    positions: int
    blocks: list[int]
    width: int
    top: int
    precision: str
    shard_positions: int
    keep: str  # disk or nothing

    def bytes(self) -> int:
        """Bytes on disk: states and scores in the chosen precision, items as int32."""
        each = ITEM_BYTES[self.precision]
        return self.positions * (len(self.blocks) * self.width * each + self.top * (each + 4))


@dataclass(frozen=True)
class TeacherOutputs:
    """The teacher at n positions."""

    states: Tensor  # (n, K, D) float32
    items: Tensor  # (n, top) int64
    scores: Tensor  # (n, top) float32, logarithms of the items' shares of the teacher's softmax


def rows_of(
    vectors: Tensor, states: Sequence[Tensor], real: Tensor, known: Tensor, table: Tensor, top: int
) -> TeacherOutputs:
    """A teacher's rows at the real positions of what it read: its states, and the logarithms of its best items' shares.

    vectors (B, T, E) and states K of (B, T, D); known (C,) are the items that training knows, table
    (C, E) their vectors.
    """
    best = torch.topk(torch.log_softmax(vectors[real] @ table.T, dim=1), top, dim=1)
    return TeacherOutputs(
        torch.stack([state[real] for state in states], dim=1), known[best.indices], best.values
    )


class TeacherReader:
    """The teacher's states, and the scores of the ensemble that it forms with the models `beside` it, if any.

    Vectors and tables of all members stand side by side, so that one product of width (1 +
    len(beside)) * E is their mean score.
    """

    def __init__(
        self, teacher: LlamaRecommender, beside: Sequence[SequenceModel], shape: StatesShape
    ) -> None:
        self.teacher = teacher.eval()
        self.beside = [model.eval() for model in beside]
        self.shape = shape
        self.known = trained_rows(teacher.item_embedding)
        with torch.inference_mode():
            self.table = torch.cat(
                [model.item_embedding(self.known) for model in (teacher, *beside)], dim=1
            )

    @torch.no_grad()
    def read(self, items: Tensor, real: Tensor) -> TeacherOutputs:
        """Rows at the real positions of items (B, T), in the order of `real` (B, T).  # n = real.sum()"""
        vectors, states = self.teacher.forward_with_states(items, self.shape.blocks)
        members = [vectors, *(model(items) for model in self.beside)]
        return rows_of(
            torch.cat(members, dim=2) / len(members),
            states,
            real,
            self.known,
            self.table,
            self.shape.top,
        )
