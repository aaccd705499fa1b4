"""What a teacher gives a student at training positions: states of its blocks, and best items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import training_candidates
from slmrec.models.llama import LlamaRecommender
from slmrec.neighbours.cross_fitted import CrossFittedNeighbours

FLOAT_BYTES = {"float16": 2, "float32": 4}
INDEX_BYTES = 4  # items are stored as int32


@dataclass(frozen=True)
class StatesShape:
    """Sizes of a recording: N training positions, K blocks of the teacher, width D, top items."""

    positions: int
    blocks: list[int]  # the layers, counted from 1, after which the blocks end
    width: int
    top: int
    precision: str
    shard_positions: int
    keep: str  # disk or nothing

    def bytes(self) -> int:
        """Bytes on disk: states and scores in the chosen precision, and items."""
        float_bytes = FLOAT_BYTES[self.precision]
        states = len(self.blocks) * self.width * float_bytes
        return self.positions * (states + self.top * (float_bytes + INDEX_BYTES))


@dataclass(frozen=True)
class TeacherOutputs:
    """The teacher's outputs at n positions."""

    states: Tensor  # (n, K, D) float32
    items: Tensor  # (n, top) int64, its best items
    log_probs: Tensor  # (n, top) float32, of these items in its full softmax


def teacher_outputs(
    vectors: Tensor,  # (B, T, E)
    states: Sequence[Tensor],  # K of (B, T, D)
    real: Tensor,  # (B, T)
    candidates: Tensor,  # (C,), the items that training ranks
    candidate_vectors: Tensor,  # (C, E), theirs
    top: int,
    added: Tensor | None,  # (n, C), to the scores
) -> TeacherOutputs:
    """A teacher's outputs at the real positions of what it read.  # n = real.sum()"""
    scores = vectors[real] @ candidate_vectors.T  # (n, C)
    if added is not None:
        scores += added
    log_probs = torch.log_softmax(scores, dim=1)
    best = torch.topk(log_probs, top, dim=1)
    block_states = torch.stack([state[real] for state in states], dim=1)
    return TeacherOutputs(block_states, candidates[best.indices], best.values)


class TeacherEnsemble:
    """The teacher's states, and the scores of the ensemble that it forms with other `members`.

    Vectors of all models stand side by side, user vectors and item vectors alike, so that one
    product of width (1 + len(members)) * E is their mean score, to which neighbours may add theirs.
    Without either the ensemble is the teacher.
    """

    def __init__(
        self,
        teacher: LlamaRecommender,
        members: Sequence[SequenceModel],
        neighbours: CrossFittedNeighbours | None,
        shape: StatesShape,
    ) -> None:
        self.teacher = teacher.eval()
        self.members = [model.eval() for model in members]
        self.neighbours = neighbours
        self.shape = shape
        self.candidates = training_candidates(teacher.item_embedding)
        models = (teacher, *members)
        with torch.inference_mode():
            vectors = [model.item_embedding(self.candidates) for model in models]
            self.candidate_vectors = torch.cat(vectors, dim=1)

    @property
    def device(self) -> torch.device:
        """Where its models compute."""
        return self.candidates.device

    @torch.no_grad()
    def outputs(self, items: Tensor, real: Tensor, users: Tensor) -> TeacherOutputs:
        """Outputs at the real positions (B, T) of items (B, T), in order.  # n = real.sum()

        Users (B,) are the rows of the histories that the items are from.
        """
        vectors, states = self.teacher.forward_with_states(items, self.shape.blocks)
        all_vectors = [vectors, *(model(items) for model in self.members)]
        mean = torch.cat(all_vectors, dim=2) / len(all_vectors)
        added = None
        if self.neighbours is not None:
            added = self.neighbours.scores(items, real, users)[:, self.candidates]
        return teacher_outputs(
            mean, states, real, self.candidates, self.candidate_vectors, self.shape.top, added
        )
