"""The students: few layers that learn from the next item and from the teacher; each once more without the teacher."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch

from slmrec.adapters import merge_layers, prepare_layers
from slmrec.batches import Batch
from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_training
from slmrec.distillation import Distillation, OnlineDistillation
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.files import new_folder, write_json
from slmrec.histories import Histories, read_histories
from slmrec.model_params import ComputeParams, DecoderParams, DistillStudentParams, DistillWeights, OnlineTeaching, StudentParams
from slmrec.models import cut_decoder, load_model, new_decoder, save_model
from slmrec.ranking import Ranking, Validation
from slmrec.recommender import Recommender
from slmrec.sections import read_section
from slmrec.states import TeacherStates
from slmrec.teacher_rows import ComputedStates, open_states
from slmrec.training import Curve, Objective, Run, train

ONLY_RANKING = DistillWeights(ranking=1, cosine=0, norm=0, multi_supervision=0, logits=0)


@dataclass(frozen=True)
class Lesson:
    """What a student learns from, whatever its shape and the weights of its terms."""

    histories: Histories
    teacher: Recommender
    states: TeacherStates | ComputedStates
    online: OnlineTeaching | None
    seed: int
    device: torch.device


def new_student(teacher: Recommender, p: StudentParams, max_length: int) -> Recommender:
    """An untrained student over a copy of the teacher's item table."""
    table = copy.deepcopy(teacher.table).requires_grad_(p.item_vectors == "trained")
    if isinstance(p.decoder, DecoderParams):
        return new_decoder(table, p.decoder, p.dropout, p.layer_drop, max_length)
    student = cut_decoder(teacher, table, p.decoder.teacher_layers, p.dropout, p.layer_drop)
    prepare_layers(student, p.decoder.tuning)
    return student


def distill_student(
    lesson: Lesson, p: StudentParams, weights: DistillWeights, checkpoint: Checkpoint, name: str
) -> tuple[Recommender, Curve]:
    """Train a student with the given weights; offline, the teacher lends its weights to start from and does not run."""
    torch.manual_seed(lesson.seed)
    student = new_student(lesson.teacher, p, lesson.histories.protocol.max_length)
    shape = lesson.states.shape
    distillation = Distillation(student, lesson.teacher.shape.width, len(shape.blocks)).to(lesson.device)
    ranking = Ranking(student.table, p.training.loss, lesson.histories)
    validation = Validation(lesson.histories, student.table, p.training.validation_targets, lesson.seed)

    def offline(batch: Batch) -> dict[str, torch.Tensor]:
        return distillation.parts(batch, lesson.states, ranking, weights)

    trained: torch.nn.Module = distillation
    objective: Objective = offline
    weighted = weights.model_dump()
    if lesson.online is not None and weights != ONLY_RANKING:
        trained, objective = together(lesson, lesson.online, distillation, ranking, p)
        weighted["teacher_ranking"] = lesson.online.teacher_weight
    run = Run(name, trained, objective, weighted, lambda: validation(student), lesson.histories, p.training, lesson.seed, checkpoint)
    curve = train(run)
    merge_layers(student)
    return student, curve


def together(
    lesson: Lesson, online: OnlineTeaching, distillation: Distillation, ranking: Ranking, p: StudentParams
) -> tuple[torch.nn.Module, Objective]:
    """What learns online, and its objective: a copy of the teacher goes on learning beside the student."""
    teacher = copy.deepcopy(lesson.teacher).requires_grad_(True).to(lesson.device)
    shape = lesson.states.shape
    own = Ranking(teacher.table, p.training.loss, lesson.histories)
    both = OnlineDistillation(distillation, teacher, own, shape.blocks, shape.top, online.detach)
    return both, lambda batch: both.parts(batch, ranking, p.weights)


def main(histories: Path, teacher: Path, teacher_states: Path, *, student: Path) -> None:
    """Write `student`/student, `student`/without_distillation, `student`/student_narrow where asked for, and their curves."""
    device = start_training(read_section("compute", ComputeParams, Path("params.yaml")))
    p = read_section("distill_student", DistillStudentParams, Path("params.yaml"))
    read, model = read_histories(histories), load_model(teacher)
    if not isinstance(model, Recommender):
        raise DataError(f"{teacher} holds a {type(model).__name__}, expected a decoder; run dvc repro --force train_teacher")
    model = model.to(device)
    online = p.teaching if isinstance(p.teaching, OnlineTeaching) else None
    lesson = Lesson(read, model, open_states(teacher_states, read, model), online, p.seed, device)
    key = key_of([histories, teacher, teacher_states], p)
    students: list[tuple[str, StudentParams, DistillWeights]] = [("student", p, p.weights), ("without_distillation", p, ONLY_RANKING)]
    if p.narrow is not None:
        students.append(("student_narrow", p.narrow, p.narrow.weights))
    checkpoints = []
    with new_folder(student) as folder:
        for name, shape, weights in students:
            checkpoints.append(Checkpoint.of("distill_student", f"{name}-{key}"))
            trained, curve = distill_student(lesson, shape, weights, checkpoints[-1], name)
            save_model(trained, folder / name)
            write_json(folder / name / "curve.json", curve)
    checkpoints[0].clear()


if __name__ == "__main__":
    open_door(main)
