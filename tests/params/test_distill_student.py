"""A student's depth, and which losses can take a teacher's soft targets."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from slmrec.params.distill_student import DistillStudentParams
from slmrec.params.section import read_yaml
from tests.support.project import ROOT

GBCE = {"kind": "gbce", "negatives": 4, "calibration": 0.5, "rows": "all"}
FROM_SCRATCH = {
    "kind": "config",
    "layers": 3,
    "width": 16,
    "heads": 2,
    "key_value_heads": 2,
    "feed_forward": 24,
}

SASREC = {"kind": "sasrec", "layers": 2, "heads": 2, "feed_forward": 24, "low_pass": None}


@pytest.fixture
def section() -> dict[str, Any]:
    student: dict[str, Any] = read_yaml(ROOT / "params.yaml")["distill_student"]
    return student


def test_soft_targets_need_a_loss_that_is_a_softmax(section: dict[str, Any]) -> None:
    section["training"]["loss"] = GBCE
    section["weights"]["logits"] = 0.5
    with pytest.raises(ValidationError, match=r"weights\.logits is 0\.5, which needs training"):
        DistillStudentParams.model_validate(section)
    section["weights"]["logits"] = 0.0
    DistillStudentParams.model_validate(section)


def test_the_rule_holds_for_the_narrow_student_as_well(section: dict[str, Any]) -> None:
    own = ("seed", "teaching", "fall_back", "narrow")  # of the section, not of a student
    narrow = {name: section[name] for name in section if name not in own}
    section["narrow"] = narrow | {"training": narrow["training"] | {"loss": GBCE}}
    with pytest.raises(ValidationError, match=r"narrow\n.*weights\.logits is 2\.0"):
        DistillStudentParams.model_validate(section)


@pytest.mark.parametrize(
    ("decoder", "layers"),
    [
        ({"kind": "cut", "teacher_layers": [1, 5, 9, 13], "tuning": {"kind": "full"}}, 4),
        (FROM_SCRATCH, 3),
        (SASREC, 2),
    ],
)
def test_a_student_is_as_deep_as_its_cut_or_its_shape(
    section: dict[str, Any], decoder: dict[str, Any], layers: int
) -> None:
    section["decoder"] = decoder
    assert DistillStudentParams.model_validate(section).layers == layers


def test_a_student_of_sasrecs_shape_skips_no_layer(section: dict[str, Any]) -> None:
    section |= {"decoder": SASREC, "layer_drop": 0.1}
    with pytest.raises(ValidationError, match=r"layer_drop is 0\.1, but decoder\.kind sasrec"):
        DistillStudentParams.model_validate(section)
