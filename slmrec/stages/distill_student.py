"""The student: a few layers that start from the teacher's and learn from its recorded states; once more without them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch

from slmrec.batches import Batch
from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_training
from slmrec.distillation import Distillation, Teacher
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.files import new_folder, write_json
from slmrec.histories import Histories, read_histories
from slmrec.models import load_model, new_decoder, save_model
from slmrec.params import ComputeParams, DistillStudentParams, DistillWeights, read_section
from slmrec.ranking import Ranking, Validation
from slmrec.recommender import Recommender
from slmrec.states import TeacherStates
from slmrec.training import Curve, Run, train

ONLY_RANKING = DistillWeights(ranking=1, cosine=0, norm=0, multi_supervision=0, logits=0)


@dataclass(frozen=True)
class Lesson:
    """What a student learns from, whatever the weights of its terms are."""

    histories: Histories
    teacher: Recommender
    states: Teacher
    blocks: int


def distill_student(
    lesson: Lesson, p: DistillStudentParams, weights: DistillWeights, device: torch.device, checkpoint: Checkpoint, name: str
) -> tuple[Recommender, Curve]:
    """Train a student with the given weights; the teacher lends its weights to start from and does not run."""
    torch.manual_seed(p.seed)
    table = copy.deepcopy(lesson.teacher.table).requires_grad_(True)
    student = new_decoder(table, p.decoder, lesson.histories.protocol.max_length)
    if p.teacher_layers is not None:
        student.start_from(lesson.teacher, p.teacher_layers)
    distillation = Distillation(student, lesson.teacher.shape.width, lesson.blocks).to(device)
    ranking = Ranking(student.table, p.training.loss, lesson.histories)
    validation = Validation(lesson.histories, len(table), p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return distillation.parts(batch, lesson.states, ranking, weights)

    run = Run(
        name, distillation, objective, weights.model_dump(), lambda: validation(student), lesson.histories, p.training, p.seed, checkpoint
    )
    return student, train(run)


def main(histories: Path, teacher: Path, teacher_states: Path, *, student: Path) -> None:
    """Write `student`/student, `student`/without_distillation and the curves of both."""
    device = start_training(read_section("compute", ComputeParams, Path("params.yaml")))
    p = read_section("distill_student", DistillStudentParams, Path("params.yaml"))
    read, model = read_histories(histories), load_model(teacher)
    if not isinstance(model, Recommender):
        raise DataError(f"{teacher} holds a {type(model).__name__}, expected a decoder; run dvc repro --force train_teacher")
    states = TeacherStates(teacher_states, read)
    lesson = Lesson(read, model, states, len(states.shape.blocks))
    key = key_of([histories, teacher, teacher_states], p)
    checkpoints = []
    with new_folder(student) as folder:
        for name, weights in (("student", p.weights), ("without_distillation", ONLY_RANKING)):
            checkpoints.append(Checkpoint.of("distill_student", f"{name}-{key}"))
            trained, curve = distill_student(lesson, p, weights, device, checkpoints[-1], name)
            save_model(trained, folder / name)
            write_json(folder / name / "curve.json", curve)
    checkpoints[0].clear()


if __name__ == "__main__":
    open_door(main)
