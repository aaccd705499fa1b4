"""The students: few layers that learn from the next item and from the teacher's outputs."""

from __future__ import annotations

from pathlib import Path

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import read_histories
from slmrec.distillation.comparison import compare_students
from slmrec.distillation.live_teacher import open_states
from slmrec.distillation.students import (
    DistillationSetup,
    new_student,
    student_learning,
    students_of,
)
from slmrec.models.champion import Begin, Champion
from slmrec.models.factory import SequenceModel
from slmrec.models.lora import merge_layers
from slmrec.models.serialization import load_decoder, save_model
from slmrec.models.student_choice import ALONE, STUDENT, keep_choice
from slmrec.params.compute import ComputeParams
from slmrec.params.distill_student import DistillStudentParams, OnlineTeaching, StudentParams
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import train
from slmrec.training.run import Curve, TrainingRun, Watch

# The champion's student that each one goes on from.
STARTS = {
    "student": "student",
    "without_distillation": "student",
    "student_narrow": "student_narrow",
}


def distill_student(
    setup: DistillationSetup,
    p: StudentParams,
    checkpoint: Checkpoint,
    name: str,
    watch: Watch | None = None,
    begin: Begin | None = None,
) -> tuple[SequenceModel, Curve]:
    """Train a student until validation stops improving; `name` is what progress is shown as.

    `begin` is called with the new student, before anything is learnt.
    """
    torch.manual_seed(setup.seed)
    histories, targets = setup.histories, p.training.validation_targets
    student = new_student(setup.teacher, p, histories.protocol.max_length, begin)
    module, objective, weights = student_learning(setup, student, p)
    ndcg = SampledNdcg(histories, student.item_embedding, targets, setup.seed)
    run = TrainingRun(
        name,
        module,
        objective,
        weights,
        lambda: ndcg(student),
        histories,
        p.training,
        setup.seed,
        checkpoint,
        watch,
    )
    curve = train(run)
    merge_layers(student)
    return student, curve


def main(
    histories_dir: Path,
    teacher_dir: Path,
    teacher_states_dir: Path,
    champion_dir: Path,
    *,
    student_dir: Path,
) -> None:
    """Train the student, the same one without distillation, and a narrow one where asked for.

    Where there is a champion, the student without distillation goes on from its student, too: what
    they differ by is what distillation gave in this run. Where it gave nothing on validation, the
    student falls back to the one without, if it may.
    """
    device = start_training(ComputeParams.read())
    p = DistillStudentParams.read()
    histories, teacher = read_histories(histories_dir), load_decoder(teacher_dir).to(device)
    champion = Champion.of(champion_dir, histories)
    states = open_states(teacher_states_dir, histories, teacher)
    online = p.teaching if isinstance(p.teaching, OnlineTeaching) else None
    setup = DistillationSetup(histories, teacher, states, online, p.seed, device)
    key = key_of([histories_dir, teacher_dir, teacher_states_dir, champion_dir], p)
    with new_folder(student_dir) as folder:
        students = {}
        for name, student_params in students_of(p).items():
            checkpoint = Checkpoint.of("distill_student", f"{name}-{key}")
            begin = champion.start(f"student/{STARTS[name]}", name)
            student, curve = distill_student(setup, student_params, checkpoint, name, begin=begin)
            save_model(student, folder / name)
            write_json(folder / name / "curve.json", curve)
            students[name] = student
        choice = compare_students(students[STUDENT], students[ALONE], histories, p.fall_back)
        keep_choice(folder, choice)
    checkpoint.clear()
    figures = f"{choice.distilled:.4f}, {choice.without_distillation:.4f} without distillation"
    kept = ": that one is the student" if choice.falls_back else ""
    print(f"student: validation NDCG@10 {figures}{kept}", flush=True)


if __name__ == "__main__":
    run_stage(main)
