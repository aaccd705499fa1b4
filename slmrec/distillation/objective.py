"""What the student learns from: the next item, and the teacher's recorded states and scores (SLMRec, section 3.3)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from slmrec.dataset.batches import Batch
from slmrec.distillation.live_teacher import Given
from slmrec.distillation.teacher_outputs import TeacherOutputs, rows_of
from slmrec.models.item_embedding import trained_rows
from slmrec.models.llama import LlamaRecommender
from slmrec.params.distill_student import DistillWeights
from slmrec.training.losses.hidden_states import cosine_loss, norm_loss, products
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.losses.softmax import SoftTargets


class Teacher(Protocol):
    """Gives the teacher's rows at the real positions of some windows: recorded, or computed on the spot."""

    def rows(self, windows: Tensor, real: Tensor) -> TeacherOutputs: ...


class TrainingHeads(nn.Module):
    """Maps used only in training: from student width to teacher width, and a scoring head for each block but the last.

    Equal widths need no map, as in the paper; unequal ones get a linear map for each block.
    """

    def __init__(
        self, student_width: int, teacher_width: int, table_width: int, blocks: int
    ) -> None:
        super().__init__()
        same = student_width == teacher_width
        self.widen = nn.ModuleList(
            nn.Identity() if same else nn.Linear(student_width, teacher_width, bias=False)
            for _ in range(blocks)
        )
        self.supervise = nn.ModuleList(
            nn.Linear(student_width, table_width, bias=False) for _ in range(blocks - 1)
        )


class Distillation(nn.Module):
    """The student with its training heads, and the parts of its loss.

    Blocks align by share of depth: the k-th of K blocks ends after layer k * L / K of the student's
    L layers.
    """

    def __init__(self, student: LlamaRecommender, teacher_width: int, blocks: int) -> None:
        super().__init__()
        self.student = student
        self.heads = TrainingHeads(
            student.shape.width, teacher_width, student.item_embedding.width, blocks
        )
        self.after = [(block + 1) * student.shape.layers // blocks for block in range(blocks)]

    def parts(
        self, batch: Batch, teacher: Teacher, ranking: NextItemLoss, weights: DistillWeights
    ) -> dict[str, Tensor]:
        """The parts of the loss, each a mean over real positions; a part of weight 0 is not computed."""
        vectors, states = self.student.forward_with_states(batch.items, self.after)
        goals = batch.targets[batch.real]  # (N,)
        vectors = batch.at_real(vectors)  # (N, E)
        blocks = [batch.at_real(state) for state in states]  # K of (N, D)
        rows = (
            teacher.rows(batch.windows, batch.real)
            if weights.cosine or weights.norm or weights.logits
            else None
        )
        parts = self._listed(vectors, goals, rows, ranking, weights)
        if weights.multi_supervision and len(self.heads.supervise):
            supervised = [
                ranking.loss_with_frozen_items(head(block), goals)
                for head, block in zip(self.heads.supervise, blocks, strict=False)
            ]
            parts["multi_supervision"] = torch.stack(supervised).mean()
        return parts if rows is None else parts | self._aligned(blocks, rows, weights)

    def _listed(
        self,
        vectors: Tensor,
        goals: Tensor,
        rows: TeacherOutputs | None,
        ranking: NextItemLoss,
        weights: DistillWeights,
    ) -> dict[str, Tensor]:
        """What is learned from scores: the next item and the teacher's own shares."""
        if rows is not None and weights.logits:
            hard, soft = ranking.loss_with_soft_targets(
                vectors,
                goals,
                SoftTargets(rows.items, rows.scores),
                (weights.ranking, weights.logits),
            )
            return {"ranking": hard, "logits": soft} if weights.ranking else {"logits": soft}
        return {"ranking": ranking.loss(vectors, goals)} if weights.ranking else {}

    def _aligned(
        self, blocks: list[Tensor], rows: TeacherOutputs, weights: DistillWeights
    ) -> dict[str, Tensor]:
        """What is learned from states, block by block."""
        parts: dict[str, Tensor] = {}
        if weights.cosine or weights.norm:
            states = products(
                [widen(block) for widen, block in zip(self.heads.widen, blocks, strict=True)],
                rows.states,
            )
            if weights.cosine:
                parts["cosine"] = cosine_loss(states)
            if weights.norm:
                parts["norm"] = norm_loss(states)
        return parts


class OnlineDistillation(nn.Module):
    """Student and teacher trained together: the teacher on the next item, the student also on the teacher of this step.

    With `detach` the imitation terms leave the teacher alone; without, the terms of states (cosine,
    norm) pull both towards each other (SLMRec, online). The teacher's shares of scores are taken as
    given either way.
    """

    def __init__(
        self,
        distillation: Distillation,
        teacher: LlamaRecommender,
        ranking: NextItemLoss,
        blocks: list[int],
        top: int,
        detach: bool,
    ) -> None:
        super().__init__()
        self.distillation = distillation
        self.teacher = teacher
        self.ranking = ranking
        self.blocks = blocks
        self.top = top
        self.detach = detach
        self.known = trained_rows(teacher.item_embedding)

    def parts(
        self, batch: Batch, ranking: NextItemLoss, weights: DistillWeights
    ) -> dict[str, Tensor]:
        """The student's parts, and the teacher's own as `teacher_ranking`."""
        vectors, states = self.teacher.forward_with_states(batch.items, self.blocks)
        own = self.ranking.loss(vectors[batch.real], batch.targets[batch.real])
        rows = rows_of(
            vectors,
            states,
            batch.real,
            self.known,
            self.teacher.item_embedding(self.known),
            self.top,
        )
        if self.detach:
            rows = TeacherOutputs(rows.states.detach(), rows.items, rows.scores.detach())
        return self.distillation.parts(batch, Given(rows), ranking, weights) | {
            "teacher_ranking": own
        }
