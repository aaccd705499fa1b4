"""params.yaml as a whole: what one section says must fit what another says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import UsageError
from slmrec.params.params_file import Params, read_params
from slmrec.params.section import read_yaml
from tests.support.project import ROOT

NEIGHBOURS = {"folds": 2, "decay": 0.8, "weight": 1.0, "epsilon": 1.0}
ONLINE = {"kind": "online", "detach": True, "teacher_weight": 1.0}
FROM_SCRATCH = {
    "kind": "config",
    "layers": 3,
    "width": 16,
    "heads": 2,
    "key_value_heads": 2,
    "feed_forward": 24,
}


@pytest.fixture
def sections() -> dict[str, Any]:
    """The project's own params.yaml: a teacher of 16 layers, states after layers 8 and 16."""
    return read_yaml(ROOT / "params.yaml")


def test_the_projects_own_file_is_valid(tmp_path: Path) -> None:
    assert read_params(ROOT / "params.yaml").compute.device == "cpu"
    text = (ROOT / "params.yaml").read_text().replace("bootstrap: 2000", "bootstrap: 0")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"params\.yaml: evaluate\.bootstrap: .*, saw 0$"):
        read_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("teaching", "logits", "message"),
    [
        (ONLINE, 1.0, "the student would imitate the learning teacher alone"),
        ({"kind": "offline"}, 0.0, "no student imitates scores"),
    ],
)
def test_an_ensemble_that_nobody_would_imitate_is_refused(
    sections: dict[str, Any], teaching: dict[str, Any], logits: float, message: str
) -> None:
    sections["embed_items"]["ensemble_seeds"] = [2]
    sections["distill_student"]["teaching"] = teaching
    sections["distill_student"]["weights"]["logits"] = logits
    with pytest.raises(ValueError, match=message):
        Params.model_validate(sections)
    sections["embed_items"]["ensemble_seeds"] = []
    sections["record_states"]["neighbours"] = NEIGHBOURS
    with pytest.raises(ValueError, match=message):
        Params.model_validate(sections)


def test_an_ensemble_that_the_narrow_student_alone_imitates_is_fine(
    sections: dict[str, Any],
) -> None:
    student = sections["distill_student"]
    own = ("seed", "teaching", "fall_back", "narrow")  # of the section, not of a student
    narrow = {name: student[name] for name in student if name not in own}
    student["narrow"] = narrow | {"weights": dict(student["weights"])}
    student["weights"]["logits"] = 0.0
    sections["embed_items"]["ensemble_seeds"] = [2]
    sections["record_states"]["neighbours"] = NEIGHBOURS
    Params.model_validate(sections)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("record_states", "blocks", [8, 17], "layer 17 is named, but .* has 16 layers"),
        ("record_states", "blocks", [16, 8], r"blocks must rise, saw \[16, 8\]"),
        ("record_states", "blocks", [8, 8], r"blocks must rise, saw \[8, 8\]"),
        ("distill_student", "decoder", FROM_SCRATCH, "3 student layers do not split into the 2"),
    ],
)
def test_blocks_must_fit_both_decoders(
    sections: dict[str, Any], section: str, key: str, value: object, message: str
) -> None:
    sections[section][key] = value
    with pytest.raises(ValueError, match=message):
        Params.model_validate(sections)


@pytest.mark.parametrize(
    ("cut", "refused"),
    [
        ({"rule": "first", "layers": 8}, True),
        ({"rule": "first", "layers": 16}, False),
        ({"rule": "every", "step": 2}, False),  # as deep as the pretrained model lets it be
    ],
)
def test_layers_that_a_cut_does_not_keep_are_refused_where_the_file_alone_says_so(
    sections: dict[str, Any], cut: dict[str, Any], refused: bool
) -> None:
    pretrained = {"kind": "smollm2-135m", "tuning": {"kind": "full"}, "prompt": None}
    sections["train_teacher"]["backbone"] = pretrained | {"cut": cut}
    if refused:
        with pytest.raises(ValueError, match=r"layer 16 is named, but .* has 8 layers"):
            Params.model_validate(sections)
    else:
        Params.model_validate(sections)
