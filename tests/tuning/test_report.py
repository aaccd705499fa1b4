"""What is printed: a line a trial, a table a part, and what distillation is worth."""

from __future__ import annotations

from dataclasses import replace

from slmrec.tuning.report import (
    distillation_line,
    outcome_table,
    settings_table,
    trial_text,
    unreached_line,
)
from tests.tuning.outcomes import ALONE, FOUND, STUDENT, TRIALS


def test_a_trial_says_how_it_ended_what_it_cost_and_what_it_was() -> None:
    assert [trial_text(row) for row in TRIALS[1:]] == [
        "0.2500 in 50 s (learning_rate 0.002)",
        "0.1000, stopped early in 9 s (learning_rate 0.001)",
        "term <ranking> is nan in 1 s (learning_rate 9.0)",
    ]
    assert trial_text(replace(TRIALS[0], settings={})) == "0.2000 in 60 s"


def test_the_table_has_a_row_a_part() -> None:
    header, row, _ = outcome_table([FOUND, ALONE]).splitlines()
    assert header.split()[:3] == ["searched", "validation", "ndcg@10"]
    # 60 + 50 + 9 + 1 seconds
    assert row.split() == ["item", "vectors", "0.2000", "0.2500", "4", "1", "1", "2.0"]


def test_settings_are_shown_where_they_are_better() -> None:
    assert settings_table([FOUND, STUDENT]).splitlines()[1].split() == [
        "embed_items.training.learning_rate",
        "0.003",
        "0.002",
    ]
    assert settings_table([STUDENT]) == ""


def test_parts_for_which_there_was_no_time_are_named() -> None:
    line = unreached_line([FOUND, replace(STUDENT, after=None)])
    assert line.startswith("not reached: teacher, student, without distillation, neighbours;")
    assert (
        unreached_line(
            [
                FOUND,
                replace(FOUND, part="teacher"),
                STUDENT,
                ALONE,
                replace(ALONE, part="neighbours"),
            ]
        )
        == ""
    )


def test_distillation_is_weighed_against_the_student_without_it() -> None:
    assert distillation_line([FOUND, STUDENT]) == ""
    gain = "the student has 0.3000, without distillation 0.2900 (+0.0100)"
    assert distillation_line([STUDENT, ALONE]) == gain
    worse = distillation_line([STUDENT, replace(ALONE, after=0.31)])
    assert worse.endswith("(-0.0100): distillation is not worth it here")
