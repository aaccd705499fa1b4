"""Text, teacher, ensemble, and the student's loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slmrec.init.facts import Extras, Facts
from slmrec.init.rules.teaching_rules import (
    ensemble,
    neighbour_member,
    recorded,
    student_weights,
    teacher,
    text,
    why_text,
)
from tests.init.support import NOTHING, SCRATCH, STEAM, facts

LLM = replace(SCRATCH, pretrained=True)


def test_titles_are_read_by_what_is_installed() -> None:
    both = text(facts())["embed_items.text"]
    sentences = text(facts(extras=Extras(text=True, llm=False)))["embed_items.text"]

    assert both == {
        "encoders": ["minilm", "smollm2-words"],
        "hidden_ids": 0.1,
        "new_items_may_cost": 0.0,
    }
    assert sentences["encoders"] == ["minilm"]
    assert text(facts(extras=NOTHING)) == {"embed_items.text": "none"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"titles": False}, "there are no titles"),
        ({"titled": 0.3}, "only 30% of the events"),
        ({"events": 2_000_000}, "165 an item"),
        ({"extras": NOTHING}, "packages are missing"),
    ],
)
def test_where_titles_are_not_read_the_reason_is_said(
    changes: dict[str, object], said: str
) -> None:
    f = facts(**changes)  # type: ignore[arg-type]

    assert text(f) == {"embed_items.text": "none"}
    assert said in why_text(f)


def test_new_items_may_cost_something_where_targets_come_after_the_cut() -> None:
    assert text(facts(STEAM))["embed_items.text"]["new_items_may_cost"] == 0.01


def test_the_teacher_is_smollm2_or_from_scratch_as_the_plan_says() -> None:
    scratch = teacher(facts(plan=replace(SCRATCH, teacher_layers=4)))["train_teacher.backbone"]
    llm = teacher(facts(plan=LLM))["train_teacher.backbone"]

    assert (scratch["kind"], scratch["layers"]) == ("config", 4)
    assert (llm["kind"], llm["cut"]) == ("smollm2-135m", {"rule": "first", "layers": 8})


def test_members_have_seeds_of_their_own() -> None:
    assert ensemble(facts(plan=replace(SCRATCH, members=3))) == {
        "embed_items.ensemble_seeds": [2, 3, 4],
        "embed_items.ensemble_low_pass": {"share": 0.5, "span": 4},
    }
    assert ensemble(facts(plan=replace(SCRATCH, members=0))) == {
        "embed_items.ensemble_seeds": [],
        "embed_items.ensemble_low_pass": None,
    }


def test_scores_are_recorded_unless_they_fill_the_disk() -> None:
    small = recorded(facts(items=20))
    # 200,000,000 x (2 bytes x 128 + 6 bytes x 64) = 128 GB
    large = recorded(facts(events=200_000_000))

    assert (small["record_states.top"], small["record_states.keep"]) == (10, "disk")
    assert large["record_states.keep"] == "nothing"
    assert small["record_states.blocks"] == [8]


def test_the_student_imitates_scores_and_no_states() -> None:
    weights = student_weights(facts())["distill_student.weights"]

    assert (weights["logits"], weights["ranking"]) == (2.0, 1.0)
    assert weights["cosine"] == weights["norm"] == weights["multi_supervision"] == 0.0


@pytest.mark.parametrize(
    ("of_logs", "taught"),
    [
        (facts(STEAM), True),
        (facts(), False),  # each one's last event is the target
        (facts(STEAM, items=200_001), False),  # tables of five folds are too large
        (facts(STEAM, repeats=0.4), False),
    ],
)
def test_neighbours_are_taught_where_targets_come_after_training(
    of_logs: Facts, taught: bool
) -> None:
    assert (neighbour_member(of_logs)["record_states.neighbours"] is not None) == taught
