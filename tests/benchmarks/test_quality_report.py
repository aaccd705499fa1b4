"""Evaluations of several seeds become one result: figures are averaged, names say the shape."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.quality_report import averaged, full_row, renamed, report, summarize

MODEL: dict[str, Any] = {
    "full": {"ndcg@10": 0.2, "hr@10": 0.4},
    "sampled": {"hr@1": 0.1, "hr@5": 0.2, "ndcg@5": 0.15, "mrr": 0.12},
    "ci95": {"ndcg@10": [0.1, 0.3]},
    "parameters": 10,
}
OTHER = {**MODEL, "full": {"ndcg@10": 0.4, "hr@10": 0.5}, "ci95": {"ndcg@10": [0.3, 0.5]}}


def evaluation(**models: dict[str, Any]) -> dict[str, Any]:
    return {"protocol": {"items": 3}, "models": models, "paired": {"student-sasrec": [0.0, 0.1]}}


def test_seeds_are_averaged_figure_by_figure() -> None:
    mean = averaged([MODEL, OTHER])
    assert mean["full"]["ndcg@10"] == pytest.approx((0.2 + 0.4) / 2)
    assert mean["full"]["hr@10"] == pytest.approx((0.4 + 0.5) / 2)
    assert mean["ci95"]["ndcg@10"] == [pytest.approx(0.2), pytest.approx(0.4)]
    assert mean["parameters"] == 10
    assert isinstance(mean["parameters"], int)  # a count stays a whole number


def test_a_figure_that_one_seed_lacks_is_averaged_over_the_others() -> None:
    assert averaged([{"a": 1.0, "b": 2.0}, {"a": 3.0}]) == {"a": 2.0, "b": 2.0}


def test_the_stages_student_bears_the_name_of_its_shape() -> None:
    stage_result = {
        "protocol": {},
        "models": {"sasrec": MODEL, "student": MODEL, "student_without_distillation": MODEL},
        "paired": {
            "student-sasrec": [0, 1],
            "student-student_without_distillation": [0, 1],
            "teacher-sasrec": [0, 1],
        },
    }
    result = renamed(stage_result, "student_narrow")
    assert set(result["models"]) == {
        "sasrec",
        "student_narrow",
        "student_narrow_without_distillation",
    }
    assert set(result["paired"]) == {
        "student_narrow-sasrec",
        "student_narrow-student_narrow_without_distillation",
        "teacher-sasrec",
    }
    assert renamed(stage_result, "student") == stage_result


def test_a_summary_holds_the_means_and_each_seeds_figures() -> None:
    narrow = evaluation(student_narrow=OTHER)
    result = summarize({1: [evaluation(student=MODEL), narrow], 2: [evaluation(student=OTHER)]})
    assert result["protocol"] == {"items": 3}
    assert result["models"]["student"]["full"]["ndcg@10"] == pytest.approx((0.2 + 0.4) / 2)
    assert result["models"]["student_narrow"] == OTHER  # one seed alone
    assert result["ndcg@10_by_seed"] == {
        "student": {"1": 0.2, "2": 0.4},
        "student_narrow": {"1": 0.4},
    }
    assert result["paired_by_seed"] == {"student-sasrec": {"1": [0.0, 0.1], "2": [0.0, 0.1]}}


def test_both_tables_name_every_model_and_the_worst_comes_first() -> None:
    result = summarize({seed: [evaluation(student=OTHER, sasrec=MODEL)] for seed in (1, 2)})
    text = report(result)
    assert text.count("student") == 3  # two tables of models and one of differences
    assert "20.00" in text  # HR@5 0.2 in percent
    assert text.index("sasrec") < text.index("student")


def test_intervals_over_users_and_seeds_have_tables_of_their_own() -> None:
    figures = {"mean": 0.25, "ci95": [0.2, 0.3], "seeds": 3, "by_seed": {}}
    combined = {"models": {"student": figures}, "paired": {"student-sasrec": figures}}
    result = summarize({1: [evaluation(student=MODEL)]})
    assert "over test users and seeds" not in report(result)
    text = report(result | {"combined": combined})
    assert "| 0.2500 | 0.2000 to 0.3000 |       3 |" in text
    assert "+0.2000 to +0.3000" in text


def test_the_range_over_seeds_stands_only_where_seeds_differ() -> None:
    assert full_row("a", MODEL, [0.19, 0.21])["over seeds"] == "0.1900 to 0.2100"
    assert full_row("a", MODEL, [0.2, 0.2])["over seeds"] == ""
