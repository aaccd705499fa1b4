"""Cost is measured of every model, and of students with what they learn from the teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.core.errors import DataError
from slmrec.core.files import read_json
from slmrec.dataset.batches import make_batch
from slmrec.dataset.histories import read_histories
from slmrec.distillation.live_teacher import open_states
from slmrec.models.factory import SequenceModel, decoder_parameters
from slmrec.models.serialization import load_decoder, load_model
from slmrec.params.distill_student import DistillStudentParams
from slmrec.stages import measure_cost
from slmrec.training.losses.next_item import NextItemLoss
from tests.support.bundles import make_bundle
from tests.support.small_pipeline import HISTORIES, ITEM_VECTORS, STATES, STUDENT, TEACHER

COST = Path("cost.json")


def run_stage() -> dict[str, dict[str, float]]:
    bundle_dir = make_bundle(Path("bundle"))
    measure_cost.main(HISTORIES, ITEM_VECTORS, TEACHER, STATES, STUDENT, bundle_dir, cost_path=COST)
    report: dict[str, dict[str, float]] = read_json(COST)
    return report


def test_every_model_has_its_cost_and_an_exported_one_no_training(trained: Path) -> None:
    report = run_stage()
    assert set(report) == {"sasrec", "teacher", "student", "student_onnx"}
    for name, figures in report.items():
        assert figures["users_per_second"] > 0
        assert ("epoch_seconds" in figures) == (name != "student_onnx")
    assert report["teacher"]["parameters"] == decoder_parameters(load_decoder(TEACHER))
    assert report["student_onnx"]["parameters"] == report["student"]["parameters"]


def test_a_narrow_student_is_measured_where_there_is_one(trained: Path) -> None:
    (STUDENT / "student").rename(STUDENT / "other")
    (STUDENT / "without_distillation").rename(STUDENT / "student")
    (STUDENT / "other").rename(STUDENT / "student_narrow")
    assert "student_narrow" in run_stage()


def test_a_teacher_that_is_no_decoder_is_refused(trained: Path) -> None:
    (ITEM_VECTORS / "sasrec").rename(ITEM_VECTORS / "moved")
    TEACHER.rename(ITEM_VECTORS / "sasrec")
    (ITEM_VECTORS / "moved").rename(TEACHER)
    with pytest.raises(DataError, match="holds a SASRec, expected a decoder"):
        run_stage()


def test_a_student_learns_from_states_as_well_and_others_from_the_next_item_alone(
    trained: Path,
) -> None:
    histories, p = read_histories(HISTORIES), DistillStudentParams.read()
    teacher = load_decoder(TEACHER)
    models: dict[str, SequenceModel] = {
        "sasrec": load_model(ITEM_VECTORS / "sasrec"),
        "student": load_decoder(STUDENT / "student"),
    }
    states = open_states(STATES, histories, teacher)
    learners = measure_cost.learners(models, histories, states, p)
    batch = make_batch(histories, np.arange(5))
    for name, model in models.items():
        next_item_loss = NextItemLoss(model.item_embedding, p.training.loss, histories)
        alone = next_item_loss.loss(batch.at_real(model(batch.items)), batch.real_targets)
        module, loss = learners[name]
        if name == "sasrec":
            assert module is model
            torch.testing.assert_close(loss(batch), alone)
        else:
            assert loss(batch) > alone + 0.1
