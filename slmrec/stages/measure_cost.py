"""What models cost: seconds of a training epoch and users served per second, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slmrec.core.files import write_json
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.distillation.live_teacher import OfflineTeacher, open_states
from slmrec.distillation.students import offline_learning
from slmrec.evaluation.timing import Learner, cost_report, epoch_seconds, users_per_second
from slmrec.models.factory import SequenceModel, decoder_parameters
from slmrec.models.serialization import load_decoder, load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.distill_student import DistillStudentParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.runtime import Recommender
from slmrec.training.device import start_torch
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.objectives import next_item_objective, weighted_loss


def learners(
    models: Mapping[str, SequenceModel],
    histories: Histories,
    states: OfflineTeacher,
    p: DistillStudentParams,
) -> dict[str, Learner]:
    """What is trained of each model: students learn from states too, others from the next item."""
    students = {"student": p, "student_narrow": p.narrow}
    by_name: dict[str, Learner] = {}
    for name, model in models.items():
        next_item_loss = NextItemLoss(model.item_embedding, p.training.loss, histories)
        student = students.get(name)
        if student is not None:
            module, objective = offline_learning(model, states, next_item_loss, student.weights)
            by_name[name] = module, weighted_loss(objective, student.weights.model_dump())
        else:
            objective = next_item_objective(model, next_item_loss)
            by_name[name] = model, weighted_loss(objective, {"ranking": 1.0})
    return by_name


def main(
    histories_dir: Path,
    item_vectors_dir: Path,
    teacher_dir: Path,
    teacher_states_dir: Path,
    student_dir: Path,
    bundle_dir: Path,
    *,
    cost_path: Path,
) -> None:
    """Time teacher, students, exported student and SASRec on the same batches."""
    compute, distill = ComputeParams.read(), DistillStudentParams.read()
    start_torch(compute)
    p = MeasureCostParams.read()
    histories, teacher = read_histories(histories_dir), load_decoder(teacher_dir)
    models: dict[str, SequenceModel] = {
        "sasrec": load_model(item_vectors_dir / "sasrec"),
        "teacher": teacher,
    }
    models |= {path.name: load_model(path) for path in sorted(student_dir.glob("student*"))}
    recommender = Recommender(bundle_dir, compute.device, compute.threads)
    served = users_per_second(models, recommender, histories, p)
    states = open_states(teacher_states_dir, histories, teacher)
    tasks = learners(models, histories, states, distill)
    trained = epoch_seconds(tasks, histories, distill.training, p)
    parameters = {name: decoder_parameters(model) for name, model in models.items()}
    parameters["student_onnx"] = parameters[ExportParams.read().model]
    write_json(cost_path, cost_report(parameters, served, trained))


if __name__ == "__main__":
    run_stage(main)
