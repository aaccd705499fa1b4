"""The students: few layers that learn from the next item and from the teacher; each once more without the teacher."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories, read_histories
from slmrec.distillation.live_teacher import LiveTeacher, open_states
from slmrec.distillation.objective import Distillation, OnlineDistillation
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.models.factory import cut_decoder, new_decoder
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import merge_layers, prepare_layers
from slmrec.models.serialization import load_model, save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import (
    DistillStudentParams,
    DistillWeights,
    OnlineTeaching,
    StudentParams,
)
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import Curve, Objective, Run, train
from slmrec.training.losses.next_item import NextItemLoss

ONLY_RANKING = DistillWeights(ranking=1, cosine=0, norm=0, multi_supervision=0, logits=0)


@dataclass(frozen=True)
class DistillationSetup:
    """What a student learns from, whatever its shape and the weights of its terms."""

    histories: Histories
    teacher: LlamaRecommender
    states: TeacherStates | LiveTeacher
    online: OnlineTeaching | None
    seed: int
    device: torch.device


def new_student(teacher: LlamaRecommender, p: StudentParams, max_length: int) -> LlamaRecommender:
    """An untrained student over a copy of the teacher's item table."""
    item_embedding = copy.deepcopy(teacher.item_embedding).requires_grad_(
        p.item_vectors == "trained"
    )
    if isinstance(p.decoder, DecoderParams):
        return new_decoder(item_embedding, p.decoder, p.dropout, p.layer_drop, max_length)
    student = cut_decoder(
        teacher, item_embedding, p.decoder.teacher_layers, p.dropout, p.layer_drop
    )
    prepare_layers(student, p.decoder.tuning)
    return student


def distill_student(
    setup: DistillationSetup,
    p: StudentParams,
    weights: DistillWeights,
    checkpoint: Checkpoint,
    name: str,
) -> tuple[LlamaRecommender, Curve]:
    """Train a student with the given weights; offline, the teacher lends its weights to start from and does not run."""
    torch.manual_seed(setup.seed)
    student = new_student(setup.teacher, p, setup.histories.protocol.max_length)
    shape = setup.states.shape
    distillation = Distillation(student, setup.teacher.shape.width, len(shape.blocks)).to(
        setup.device
    )
    ranking = NextItemLoss(student.item_embedding, p.training.loss, setup.histories)
    validation = SampledNdcg(
        setup.histories, student.item_embedding, p.training.validation_targets, setup.seed
    )

    def offline(batch: Batch) -> dict[str, torch.Tensor]:
        return distillation.parts(batch, setup.states, ranking, weights)

    trained: torch.nn.Module = distillation
    objective: Objective = offline
    weighted = weights.model_dump()
    if setup.online is not None and weights != ONLY_RANKING:
        trained, objective = online_objective(setup, setup.online, distillation, ranking, p)
        weighted["teacher_ranking"] = setup.online.teacher_weight
    run = Run(
        name,
        trained,
        objective,
        weighted,
        lambda: validation(student),
        setup.histories,
        p.training,
        setup.seed,
        checkpoint,
    )
    curve = train(run)
    merge_layers(student)
    return student, curve


def online_objective(
    setup: DistillationSetup,
    online: OnlineTeaching,
    distillation: Distillation,
    ranking: NextItemLoss,
    p: StudentParams,
) -> tuple[torch.nn.Module, Objective]:
    """What learns online, and its objective: a copy of the teacher goes on learning beside the student."""
    teacher = copy.deepcopy(setup.teacher).requires_grad_(True).to(setup.device)
    shape = setup.states.shape
    own = NextItemLoss(teacher.item_embedding, p.training.loss, setup.histories)
    both = OnlineDistillation(distillation, teacher, own, shape.blocks, shape.top, online.detach)
    return both, lambda batch: both.parts(batch, ranking, p.weights)


def main(histories: Path, teacher: Path, teacher_states: Path, *, student: Path) -> None:
    """Write `student`/student, `student`/without_distillation, `student`/student_narrow where asked for, and their curves."""
    device = start_training(ComputeParams.read())
    p = DistillStudentParams.read()
    read, model = read_histories(histories), load_model(teacher)
    if not isinstance(model, LlamaRecommender):
        raise DataError(
            f"{teacher} holds a {type(model).__name__}, expected a decoder; run dvc repro --force train_teacher"
        )
    model = model.to(device)
    online = p.teaching if isinstance(p.teaching, OnlineTeaching) else None
    setup = DistillationSetup(
        read, model, open_states(teacher_states, read, model), online, p.seed, device
    )
    key = key_of([histories, teacher, teacher_states], p)
    students: list[tuple[str, StudentParams, DistillWeights]] = [
        ("student", p, p.weights),
        ("without_distillation", p, ONLY_RANKING),
    ]
    if p.narrow is not None:
        students.append(("student_narrow", p.narrow, p.narrow.weights))
    checkpoints = []
    with new_folder(student) as folder:
        for name, shape, weights in students:
            checkpoints.append(Checkpoint.of("distill_student", f"{name}-{key}"))
            trained, curve = distill_student(setup, shape, weights, checkpoints[-1], name)
            save_model(trained, folder / name)
            write_json(folder / name / "curve.json", curve)
    checkpoints[0].clear()


if __name__ == "__main__":
    run_stage(main)
