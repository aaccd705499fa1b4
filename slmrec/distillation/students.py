"""A student before training, and what it learns from: recorded states, or a learning teacher."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from slmrec.dataset.histories import Histories
from slmrec.distillation.live_teacher import OfflineTeacher
from slmrec.distillation.objective import Distillation, OnlineDistillation
from slmrec.models.champion import Begin
from slmrec.models.factory import (
    SequenceModel,
    cut_decoder,
    new_decoder,
    new_layers_of_sasrec,
)
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.params.decoder import DecoderParams, SasrecParams
from slmrec.params.distill_student import (
    CutDecoder,
    DistillStudentParams,
    DistillWeights,
    OnlineTeaching,
    StudentParams,
)
from slmrec.params.training import LossParams
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.run import Objective

ONLY_RANKING = DistillWeights(ranking=1, cosine=0, norm=0, multi_supervision=0, logits=0)
Learning = tuple[nn.Module, Objective, dict[str, float]]  # what learns, its loss's parts, weights


@dataclass(frozen=True)
class DistillationSetup:
    """What a student learns from, whatever its shape and the weights of its terms."""

    histories: Histories
    teacher: LlamaRecommender
    states: OfflineTeacher
    online: OnlineTeaching | None
    seed: int
    device: torch.device


def students_of(p: DistillStudentParams) -> dict[str, StudentParams]:
    """The students that a section asks for, by the names of their folders."""
    alone = p.model_copy(update={"weights": ONLY_RANKING})
    students: dict[str, StudentParams] = {"student": p, "without_distillation": alone}
    return students if p.narrow is None else students | {"student_narrow": p.narrow}


def new_student(
    teacher: LlamaRecommender, p: StudentParams, max_length: int, begin: Begin | None = None
) -> SequenceModel:
    """An untrained student over a copy of the teacher's item embedding, or over a new one.

    `begin` is called with it, before low-rank updates stand beside its weights.
    """
    item_embedding = copy.deepcopy(teacher.item_embedding)
    item_embedding.requires_grad_(p.item_vectors != "frozen")
    if p.item_vectors == "new":
        item_embedding.draw_anew()
    student: SequenceModel
    if isinstance(p.decoder, SasrecParams):
        student = new_layers_of_sasrec(item_embedding, p.decoder, p.dropout, max_length)
    elif isinstance(p.decoder, DecoderParams):
        student = new_decoder(item_embedding, p.decoder, p.dropout, p.layer_drop, max_length)
    else:
        layers = p.decoder.teacher_layers
        student = cut_decoder(teacher, item_embedding, layers, p.dropout, p.layer_drop)
    if begin is not None:
        begin(student)
    if isinstance(p.decoder, CutDecoder):
        assert isinstance(student, LlamaRecommender)
        prepare_layers(student, p.decoder.tuning)
    return student


def student_learning(
    setup: DistillationSetup, student: SequenceModel, p: StudentParams
) -> Learning:
    """What is trained so that `student` learns, the parts of its loss, and their weights.

    Online the teacher is trained too, unless the student learns from the next item alone.
    """
    next_item_loss = NextItemLoss(student.item_embedding, p.training.loss, setup.histories)
    distillation, objective = offline_learning(student, setup.states, next_item_loss, p.weights)
    distillation.to(setup.device)
    if setup.online is None or p.weights == ONLY_RANKING:
        return distillation, objective, p.weights.model_dump()
    online = online_distillation(setup, setup.online, distillation, p.training.loss)
    weights = p.weights.model_dump() | {"teacher_ranking": setup.online.teacher_weight}
    return online, lambda batch: online.losses(batch, next_item_loss, p.weights), weights


def offline_learning(
    student: SequenceModel,
    states: OfflineTeacher,
    next_item_loss: NextItemLoss,
    weights: DistillWeights,
) -> tuple[Distillation, Objective]:
    """The student with its training heads, and the parts of its loss on the teacher's states."""
    distillation = Distillation(student, states.shape.width, len(states.shape.blocks))
    return distillation, lambda batch: distillation.offline_losses(
        batch, states, next_item_loss, weights
    )


def online_distillation(
    setup: DistillationSetup, online: OnlineTeaching, distillation: Distillation, p: LossParams
) -> OnlineDistillation:
    """The student with a copy of the teacher that goes on learning beside it."""
    teacher = copy.deepcopy(setup.teacher).requires_grad_(True).to(setup.device)
    next_item_loss = NextItemLoss(teacher.item_embedding, p, setup.histories)
    blocks, top = setup.states.shape.blocks, setup.states.shape.top
    return OnlineDistillation(distillation, teacher, next_item_loss, blocks, top, online.detach)
