"""A student before training: its shape, what of it learns, and what it learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slmrec.core.errors import UsageError
from slmrec.dataset.batches import make_batch
from slmrec.distillation.objective import Distillation, OnlineDistillation
from slmrec.distillation.students import (
    ONLY_RANKING,
    DistillationSetup,
    new_student,
    student_learning,
    students_of,
)
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import (
    DecoderParams,
    FullTuning,
    LoraTuning,
    LowPassParams,
    SasrecParams,
)
from slmrec.params.distill_student import (
    CutDecoder,
    DistillStudentParams,
    OfflineTeaching,
    OnlineTeaching,
    StudentParams,
)
from tests.support.histories import TRAINING
from tests.support.models import MAX_LENGTH
from tests.support.teachers import ALL_TERMS, HISTORIES, teacher

CUT = CutDecoder(kind="cut", teacher_layers=[1, 3], tuning=FullTuning(kind="full"))
LORA = LoraTuning(kind="lora", rank=2, alpha=2, dropout=0.0, targets=["q_proj", "down_proj"])
NARROW = DecoderParams(
    kind="config", layers=2, width=8, heads=2, key_value_heads=2, feed_forward=12
)
SASREC = SasrecParams(
    kind="sasrec", layers=2, heads=2, feed_forward=12, low_pass=LowPassParams(share=0.5, span=2)
)
STUDENT = StudentParams(
    decoder=CUT,
    dropout=0.0,
    layer_drop=0.0,
    item_vectors="trained",
    weights=ALL_TERMS,
    training=TRAINING,
)
ONLINE = OnlineTeaching(kind="online", detach=False, teacher_weight=0.7)
BATCH = make_batch(HISTORIES, np.arange(6))


def changed(**changes: Any) -> StudentParams:
    return STUDENT.model_copy(update=changes)


def setup(recorded_dir: Path, online: OnlineTeaching | None = None) -> DistillationSetup:
    states = TeacherStates(recorded_dir, HISTORIES)
    return DistillationSetup(HISTORIES, teacher(), states, online, 1, torch.device("cpu"))


def test_a_narrow_student_is_trained_only_where_it_is_asked_for() -> None:
    fields = dict(STUDENT) | {"seed": 1, "teaching": OfflineTeaching(kind="offline")}
    p = DistillStudentParams(**fields, fall_back=True, narrow=None)
    assert list(students_of(p)) == ["student", "without_distillation"]
    assert students_of(p)["without_distillation"].weights == ONLY_RANKING
    assert students_of(p)["without_distillation"].decoder == p.decoder
    narrow = changed(decoder=NARROW)
    with_narrow = students_of(DistillStudentParams(**fields, fall_back=True, narrow=narrow))
    assert list(with_narrow) == ["student", "without_distillation", "student_narrow"]
    assert with_narrow["student_narrow"] == narrow


def test_a_cut_student_has_layers_of_the_teacher_and_a_copy_of_its_embedding() -> None:
    original = teacher()
    student = new_student(original, STUDENT, MAX_LENGTH)
    third = original.layers[2].state_dict()
    assert all(torch.equal(w, third[name]) for name, w in student.layers[1].state_dict().items())
    assert torch.equal(student.item_embedding.ids, original.item_embedding.ids)
    assert student.item_embedding is not original.item_embedding


def test_a_student_of_its_own_shape_shares_only_the_embedding() -> None:
    original = teacher()
    student = new_student(original, changed(decoder=NARROW), MAX_LENGTH)
    assert student.width == 8 and student.max_length == MAX_LENGTH
    assert torch.equal(student.item_embedding.ids, original.item_embedding.ids)


def test_a_student_of_sasrecs_shape_may_have_item_vectors_of_its_own() -> None:
    torch.manual_seed(1)
    student = new_student(teacher(), changed(decoder=SASREC, item_vectors="new"), MAX_LENGTH)
    assert isinstance(student, SASRec)
    assert student.first_layer.low_pass is not None
    ids, taught = student.item_embedding.ids, teacher().item_embedding.ids
    assert ids.shape == taught.shape and ids.requires_grad
    assert not torch.allclose(ids, taught)
    copied = new_student(teacher(), changed(decoder=SASREC), MAX_LENGTH)
    assert torch.equal(copied.item_embedding.ids, taught)


def test_heads_that_do_not_divide_an_items_vector_are_named() -> None:
    odd = SASREC.model_copy(update={"heads": 3})
    with pytest.raises(UsageError, match="3 heads do not divide an item's vector of width"):
        new_student(teacher(), changed(decoder=odd), MAX_LENGTH)


@pytest.mark.parametrize(("item_vectors", "learns"), [("trained", True), ("frozen", False)])
def test_item_vectors_learn_where_they_are_not_frozen(item_vectors: str, learns: bool) -> None:
    student = new_student(teacher(), changed(item_vectors=item_vectors), MAX_LENGTH)
    assert student.item_embedding.ids.requires_grad == learns


def test_with_lora_the_layers_learn_updates_alone() -> None:
    decoder = CUT.model_copy(update={"tuning": LORA})
    student = new_student(teacher(), changed(decoder=decoder), MAX_LENGTH)
    learning = [name for name, weight in student.layers.named_parameters() if weight.requires_grad]
    assert learning and all("lora_" in name for name in learning)


def test_offline_the_student_and_its_heads_learn_with_the_weights_of_its_section(
    recorded_dir: Path,
) -> None:
    student = new_student(teacher(), STUDENT, MAX_LENGTH)
    trained, objective, weights = student_learning(setup(recorded_dir), student, STUDENT)
    assert isinstance(trained, Distillation) and trained.student is student
    assert weights == ALL_TERMS.model_dump()
    assert set(objective(BATCH)) == set(weights)


def test_online_a_copy_of_the_teacher_learns_beside_the_student(recorded_dir: Path) -> None:
    taught = setup(recorded_dir, ONLINE)
    taught.teacher.requires_grad_(False)
    student = new_student(taught.teacher, STUDENT, MAX_LENGTH)
    trained, objective, weights = student_learning(taught, student, STUDENT)
    assert isinstance(trained, OnlineDistillation)
    assert trained.teacher is not taught.teacher
    assert all(weight.requires_grad for weight in trained.teacher.parameters())
    assert weights == ALL_TERMS.model_dump() | {"teacher_ranking": 0.7}
    assert set(objective(BATCH)) == set(weights)


def test_a_student_of_the_next_item_alone_needs_no_learning_teacher(recorded_dir: Path) -> None:
    p = changed(weights=ONLY_RANKING)
    student = new_student(teacher(), p, MAX_LENGTH)
    trained, objective, _ = student_learning(setup(recorded_dir, ONLINE), student, p)
    assert isinstance(trained, Distillation)
    assert set(objective(BATCH)) == {"ranking"}
