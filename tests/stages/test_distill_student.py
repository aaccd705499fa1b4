"""Every kind of student learns, and the teacher that they share stays what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json, sha256_of_folder
from slmrec.dataset.histories import read_histories
from slmrec.distillation.live_teacher import open_states
from slmrec.distillation.students import ONLY_RANKING, DistillationSetup
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import load_decoder
from slmrec.models.student_choice import ALONE, read_choice
from slmrec.models.student_choice import STUDENT as STUDENT_NAME
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams, LoraTuning, LowPassParams, SasrecParams
from slmrec.params.distill_student import (
    CutDecoder,
    DistillStudentParams,
    OnlineTeaching,
    StudentParams,
)
from slmrec.stages import distill_student
from slmrec.training.device import start_torch
from slmrec.training.run import Curve
from tests.support.histories import TRAINING
from tests.support.logs import Workshop
from tests.support.small_pipeline import (
    CHAMPION,
    HISTORIES,
    STATES,
    STUDENT,
    TEACHER,
    change_small_params,
)

ONLINE = OnlineTeaching(kind="online", detach=False, teacher_weight=1.0)
NARROW = DecoderParams(
    kind="config", layers=2, width=8, heads=2, key_value_heads=2, feed_forward=12
)
SASREC = SasrecParams(
    kind="sasrec", layers=2, heads=2, feed_forward=12, low_pass=LowPassParams(share=0.5, span=2)
)
LORA = CutDecoder(
    kind="cut",
    teacher_layers=[1, 2],
    tuning=LoraTuning(kind="lora", rank=2, alpha=2, dropout=0.0, targets=["q_proj", "down_proj"]),
)


def new_setup(online: OnlineTeaching | None) -> DistillationSetup:
    histories, teacher = read_histories(HISTORIES), load_decoder(TEACHER)
    states = open_states(STATES, histories, teacher)
    device = start_torch(ComputeParams.read())
    return DistillationSetup(histories, teacher, states, online, 1, device)


def distill(setup: DistillationSetup, **changes: Any) -> tuple[SequenceModel, Curve]:
    p: StudentParams = DistillStudentParams.read().model_copy(
        update={"training": TRAINING} | changes
    )
    checkpoint = Checkpoint(Path("student.safetensors").absolute())
    return distill_student.distill_student(setup, p, checkpoint, "student")


@pytest.mark.parametrize(
    ("online", "changes"),
    [
        (None, {}),
        (ONLINE, {}),
        (None, {"decoder": LORA}),
        (None, {"decoder": NARROW}),
        (None, {"decoder": SASREC}),
        (None, {"item_vectors": "frozen"}),
    ],
    ids=["offline", "online", "lora", "narrow", "sasrec", "frozen"],
)
def test_a_student_learns_and_leaves_the_teacher_to_the_next_one(
    trained: Path, online: OnlineTeaching | None, changes: dict[str, Any]
) -> None:
    setup = new_setup(online)
    student, curve = distill(setup, **changes)
    assert curve[-1]["ranking"] < curve[0]["ranking"]
    assert ("teacher_ranking" in curve[0]) == (online is not None)
    widths = {"config": 8, "sasrec": student.item_embedding.width}
    kind = changes["decoder"].kind if "decoder" in changes else "cut"
    assert student.width == widths.get(kind, 16)
    assert not any("lora" in name for name in student.state_dict())
    teacher_vectors = setup.teacher.item_embedding.folded()
    same = torch.equal(student.item_embedding.folded(), teacher_vectors)
    assert same == ("item_vectors" in changes)
    saved = load_decoder(TEACHER).state_dict()
    for name, weight in setup.teacher.state_dict().items():
        assert torch.equal(weight, saved[name])


def test_without_distillation_no_teacher_runs_even_online(trained: Path) -> None:
    _, curve = distill(new_setup(ONLINE), weights=ONLY_RANKING)
    assert set(curve[0]) == {"epoch", "valid_ndcg@10", "ranking"}


def test_the_same_seed_gives_the_same_student(trained: Path) -> None:
    setup = new_setup(None)
    p = DistillStudentParams.read()
    checkpoint = Checkpoint(trained / "c.safetensors")
    again, _ = distill_student.distill_student(
        DistillationSetup(**{**vars(setup), "seed": p.seed}), p, checkpoint, "student"
    )
    saved = load_decoder(STUDENT / "student").state_dict()
    assert all(torch.equal(weight, saved[name]) for name, weight in again.state_dict().items())


def test_each_student_lies_in_a_folder_beside_its_curve(trained: Path) -> None:
    narrow = {
        **DistillStudentParams.read().model_dump(
            exclude={"seed", "teaching", "fall_back", "narrow"}
        ),
        "decoder": NARROW.model_dump(),
    }
    change_small_params(Workshop(trained), distill_student__narrow=narrow)
    distill_student.main(HISTORIES, TEACHER, STATES, CHAMPION, student_dir=STUDENT)
    parts = {"epoch", "valid_ndcg@10", "ranking"}
    imitation = {"logits"}  # terms of weight 0 are not computed
    assert {
        curve.parent.name: set(read_json(curve)[0]) for curve in STUDENT.glob("*/curve.json")
    } == {
        "student": parts | imitation,
        "without_distillation": parts,
        "student_narrow": parts | imitation,
    }
    assert load_decoder(STUDENT / "student_narrow").shape.width == 8


def test_the_choice_is_noted_beside_the_students(trained: Path) -> None:
    choice = read_choice(STUDENT)
    assert 0 < choice.distilled <= 1 and 0 < choice.without_distillation <= 1
    student, alone = (sha256_of_folder(STUDENT / name, "*") for name in (STUDENT_NAME, ALONE))
    assert (student == alone) is choice.falls_back
