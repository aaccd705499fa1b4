"""The model card: generated from contract and metrics, for people."""

from __future__ import annotations

from typing import Any

from slmrec.export.model_card import model_card
from tests.support.bundles import METRICS, REPORT, small_contract


def report(ndcg: float) -> dict[str, Any]:
    return {**REPORT, "full": {**REPORT["full"], "ndcg@10": ndcg}}


def test_the_card_shows_the_graphs_own_quality() -> None:
    card = model_card(small_contract(), METRICS)
    assert "| student_onnx | 0.5000 | 0.4000 to 0.6000 | 0.5000 | 0.5000 |" in card


def test_models_are_listed_from_worst_to_best_and_the_graph_last() -> None:
    models = {"teacher": report(0.9), "student_onnx": report(0.2), "popularity": report(0.1)}
    lines = model_card(small_contract(), {**METRICS, "models": models}).splitlines()
    names = [line.split()[1] for line in lines if line.startswith("| ")][1:]  # after the header
    assert names == ["popularity", "teacher", "student_onnx"]


def test_the_card_names_what_the_bundle_was_made_from() -> None:
    inputs_sha256 = {"student": "2" * 64, "histories": "1" * 64}
    card = model_card({**small_contract(), "inputs_sha256": inputs_sha256}, METRICS)
    assert f"- histories: sha256 {'1' * 64}\n- student: sha256 {'2' * 64}\n" in card


def test_the_card_says_how_much_the_model_serves_and_reads() -> None:
    card = model_card(small_contract(), METRICS)
    assert "ranks the 39 items of its catalogue" in card
    assert "reads the newest 6 items of a history" in card


def test_the_card_says_which_precisions_were_exported_and_why_others_were_not() -> None:
    assert "## Precisions" not in model_card(small_contract(), METRICS)
    figures = {"overlap@10": 0.94, "ndcg@10_fp32": 0.11, "ndcg@10": 0.1}
    precisions = {
        "int8": {**figures, "verdict": "not exported: overlap 0.94 < 0.98"},
        "fp16": {"verdict": "not exported: there are no validation targets"},
    }
    card = model_card(small_contract(), {**METRICS, "precisions": precisions})
    assert "| int8 | 0.9400 | 0.1100 | 0.1000 | not exported: overlap 0.94 < 0.98 |" in card
    assert "| fp16 |  |  |  | not exported: there are no validation targets |" in card


def test_the_card_of_a_student_that_fell_back_does_not_call_it_distilled() -> None:
    assert "small sequential model, distilled from a larger one with" in model_card(
        small_contract(), METRICS
    )
    card = model_card(small_contract(), {**METRICS, "student": {"falls_back": True}})
    assert "trained without distillation, which did not pay on validation, with" in card
    assert "distilled from" not in card
