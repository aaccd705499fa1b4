"""What a student learns from: the next item, and the teacher's states and scores (SLMRec, 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slmrec.dataset.batches import Batch
from slmrec.distillation.live_teacher import OfflineTeacher
from slmrec.distillation.teacher_outputs import TeacherOutputs, teacher_outputs
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import training_candidates
from slmrec.models.llama import LlamaRecommender
from slmrec.params.distill_student import DistillWeights
from slmrec.training.losses.hidden_states import cosine_loss, norm_loss, scalar_products
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.losses.softmax import SoftTargets


class TrainingHeads(nn.Module):
    """Maps that only training uses: to the teacher's width, and scoring heads of early blocks.

    Equal widths need no map, as in the paper; unequal ones get a linear map for each block. Every
    block but the last has a scoring head (multi-supervision).
    """

    def __init__(
        self, student_width: int, teacher_width: int, item_width: int, blocks: int
    ) -> None:
        super().__init__()
        same = student_width == teacher_width
        self.state_projs = nn.ModuleList(
            nn.Identity() if same else nn.Linear(student_width, teacher_width, bias=False)
            for _ in range(blocks)
        )
        self.score_heads = nn.ModuleList(
            nn.Linear(student_width, item_width, bias=False) for _ in range(blocks - 1)
        )


class Distillation(nn.Module):
    """The student with its training heads, and the parts of its loss.

    Blocks align by share of depth: the k-th of K blocks ends after layer k * L / K of the student's
    L layers.
    """

    def __init__(self, student: SequenceModel, teacher_width: int, blocks: int) -> None:
        super().__init__()
        self.student = student
        self.heads = TrainingHeads(
            student.width, teacher_width, student.item_embedding.width, blocks
        )
        self.block_ends = [(block + 1) * len(student.layers) // blocks for block in range(blocks)]

    def losses(
        self,
        batch: Batch,
        outputs: TeacherOutputs | None,
        next_item_loss: NextItemLoss,
        weights: DistillWeights,
    ) -> dict[str, Tensor]:
        """The parts of the loss, each a mean over real positions.

        A part of weight 0 is not computed; `outputs` are the teacher's at the real positions, None
        where no part needs them.
        """
        vectors, states = self.student.forward_with_states(batch.items, self.block_ends)
        targets = batch.real_targets  # (N,)
        vectors = batch.at_real(vectors)  # (N, E)
        blocks = [batch.at_real(state) for state in states]  # K of (N, D)
        losses = _score_losses(vectors, targets, outputs, next_item_loss, weights)
        if weights.multi_supervision and len(self.heads.score_heads):
            early_losses = [
                next_item_loss.loss_with_frozen_items(head(block), targets)
                for head, block in zip(self.heads.score_heads, blocks, strict=False)
            ]
            losses["multi_supervision"] = torch.stack(early_losses).mean()
        return losses if outputs is None else losses | self._state_losses(blocks, outputs, weights)

    def offline_losses(
        self,
        batch: Batch,
        teacher: OfflineTeacher,
        next_item_loss: NextItemLoss,
        weights: DistillWeights,
    ) -> dict[str, Tensor]:
        """`losses` with the outputs of a trained teacher, not asked if no part needs it."""
        imitates = weights.cosine or weights.norm or weights.logits
        outputs = teacher.outputs(batch.windows, batch.real) if imitates else None
        return self.losses(batch, outputs, next_item_loss, weights)

    def _state_losses(
        self, blocks: list[Tensor], outputs: TeacherOutputs, weights: DistillWeights
    ) -> dict[str, Tensor]:
        """What is learned from states, block by block."""
        losses: dict[str, Tensor] = {}
        if weights.cosine or weights.norm:
            projected = [
                proj(block) for proj, block in zip(self.heads.state_projs, blocks, strict=True)
            ]
            products = scalar_products(projected, outputs.states)
            if weights.cosine:
                losses["cosine"] = cosine_loss(products)
            if weights.norm:
                losses["norm"] = norm_loss(products)
        return losses


def _score_losses(
    vectors: Tensor,
    targets: Tensor,
    outputs: TeacherOutputs | None,
    next_item_loss: NextItemLoss,
    weights: DistillWeights,
) -> dict[str, Tensor]:
    """What is learned from scores: the next item and the teacher's soft targets."""
    if outputs is None or not weights.logits:
        return {"ranking": next_item_loss.loss(vectors, targets)} if weights.ranking else {}
    soft_targets = SoftTargets(outputs.items, outputs.log_probs)
    shares = (weights.ranking, weights.logits)
    hard, soft = next_item_loss.loss_with_soft_targets(vectors, targets, soft_targets, shares)
    return {"ranking": hard, "logits": soft} if weights.ranking else {"logits": soft}


class OnlineDistillation(nn.Module):
    """Student and teacher trained together; the student also learns from the teacher of this step.

    The teacher learns from the next item. With `detach` the imitation terms leave it alone;
    without, the terms of states (cosine, norm) pull both towards each other (SLMRec, online). So do
    soft targets against sampled negatives; the full softmax takes them as constants.
    """

    def __init__(
        self,
        distillation: Distillation,
        teacher: LlamaRecommender,
        teacher_loss: NextItemLoss,
        blocks: list[int],
        top: int,
        detach: bool,
    ) -> None:
        super().__init__()
        self.distillation = distillation
        self.teacher = teacher
        self.teacher_loss = teacher_loss
        self.blocks = blocks
        self.top = top
        self.detach = detach
        self.candidates = training_candidates(teacher.item_embedding)

    def losses(
        self, batch: Batch, next_item_loss: NextItemLoss, weights: DistillWeights
    ) -> dict[str, Tensor]:
        """The parts of the student's loss, and the teacher's own as `teacher_ranking`."""
        vectors, states = self.teacher.forward_with_states(batch.items, self.blocks)
        teacher_ranking = self.teacher_loss.loss(batch.at_real(vectors), batch.real_targets)
        outputs = self._outputs(vectors, states, batch.real)
        losses = self.distillation.losses(batch, outputs, next_item_loss, weights)
        return losses | {"teacher_ranking": teacher_ranking}

    def _outputs(self, vectors: Tensor, states: list[Tensor], real: Tensor) -> TeacherOutputs:
        candidate_vectors = self.teacher.item_embedding(self.candidates)  # (C, E)
        outputs = teacher_outputs(
            vectors, states, real, self.candidates, candidate_vectors, self.top, added=None
        )
        if not self.detach:
            return outputs
        return TeacherOutputs(outputs.states.detach(), outputs.items, outputs.log_probs.detach())
