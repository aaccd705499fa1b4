"""What each model costs: seconds of a training epoch and users served per second, side by side in one process."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from slmrec.core.errors import DataError
from slmrec.core.files import write_json
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories, read_histories
from slmrec.distillation.live_teacher import LiveTeacher, open_states
from slmrec.distillation.objective import Distillation
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.evaluation.timing import (
    LIST_LENGTH,
    sampled_batches,
    serving_batches,
    serving_in_torch,
    time_in_turn,
    training_steps,
)
from slmrec.models.factory import SequenceModel, decoder_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.distill_student import DistillStudentParams, StudentParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.runtime import Recommender as Runtime
from slmrec.training.device import start_torch
from slmrec.training.losses.next_item import NextItemLoss

States = TeacherStates | LiveTeacher
Trained = tuple[torch.nn.Module, Callable[[Batch], torch.Tensor]]  # what learns, and its loss


def ranking_only(model: SequenceModel, ranking: NextItemLoss) -> Trained:
    """A model that learns from the next item alone."""
    return model, lambda batch: ranking.loss(
        batch.at_real(model(batch.items)), batch.targets[batch.real]
    )


def distilled(
    student: LlamaRecommender, states: States, ranking: NextItemLoss, p: StudentParams
) -> Trained:
    """The student's training modules and its whole loss, reading recorded teacher states."""
    trained = Distillation(student, states.shape.width, len(states.shape.blocks))
    weights = p.weights.model_dump()

    def loss(batch: Batch) -> torch.Tensor:
        parts = trained.parts(batch, states, ranking, p.weights)
        return torch.stack([weights[name] * part for name, part in parts.items()]).sum()

    return trained, loss


def epoch_seconds(
    models: dict[str, SequenceModel],
    histories: Histories,
    states: States,
    p: DistillStudentParams,
    cost: MeasureCostParams,
) -> dict[str, float]:
    """Seconds of one training epoch of each model: median over repeats of sampled batches, scaled to all positions."""
    batches, scale = sampled_batches(histories, p.training, cost.steps, cost.seed)
    work = {}
    for name, model in models.items():
        ranking = NextItemLoss(model.item_embedding, p.training.loss, histories)
        student = {"student": p, "student_narrow": p.narrow}.get(name)
        if student is not None and isinstance(model, LlamaRecommender):
            trained, loss = distilled(model, states, ranking, student)
        else:
            trained, loss = ranking_only(model, ranking)
        work[name] = training_steps(trained, loss, batches, p.training)
    return {
        name: statistics.median(seconds) * scale
        for name, seconds in time_in_turn(work, cost.repeats).items()
    }


def users_per_second(
    models: dict[str, SequenceModel],
    runtime: Runtime,
    histories: Histories,
    cost: MeasureCostParams,
) -> dict[str, float]:
    """Users served per second by each torch model and by the exported student."""
    batches = serving_batches(histories, cost)
    work = {name: serving_in_torch(model, batches) for name, model in models.items()}

    def exported() -> None:
        for items in batches:
            runtime.recommend_indices(items, np.zeros((len(items), 0), dtype=np.int64), LIST_LENGTH)

    work["student_onnx"] = exported
    return {
        name: cost.users / statistics.median(seconds)
        for name, seconds in time_in_turn(work, cost.repeats).items()
    }


def main(
    histories: Path,
    item_vectors: Path,
    teacher: Path,
    teacher_states: Path,
    student: Path,
    bundle: Path,
    *,
    cost: Path,
) -> None:
    """Time teacher, student, exported student and SASRec on the same batches; write metrics/cost.json."""
    compute = ComputeParams.read()
    start_torch(compute)
    p = MeasureCostParams.read()
    distill = DistillStudentParams.read()
    read = read_histories(histories)
    folders = {
        "sasrec": item_vectors / "sasrec",
        "teacher": teacher,
        "student": student / "student",
        "student_narrow": student / "student_narrow",
    }
    models = {name: load_model(folder) for name, folder in folders.items() if folder.is_dir()}
    taught = models["teacher"]
    if not isinstance(models["student"], LlamaRecommender) or not isinstance(
        taught, LlamaRecommender
    ):
        raise DataError(
            f"{student} or {teacher} holds no decoder; run dvc repro --force distill_student"
        )
    served = users_per_second(models, Runtime(bundle, compute.device, compute.threads), read, p)
    parameters = {name: decoder_parameters(model) for name, model in models.items()}
    parameters["student_onnx"] = parameters[ExportParams.read().model]
    trained = epoch_seconds(models, read, open_states(teacher_states, read, taught), distill, p)
    write_json(cost, {name: entry(name, parameters, trained, served) for name in parameters})


def entry(
    name: str, parameters: dict[str, int], trained: dict[str, float], served: dict[str, float]
) -> dict[str, Any]:
    """One model's line of metrics/cost.json; an exported graph is not trained."""
    return {"parameters": parameters[name], "users_per_second": served[name]} | (
        {"epoch_seconds": trained[name]} if name in trained else {}
    )


if __name__ == "__main__":
    run_stage(main)
