"""Each small model is compared with the teacher: parameters, epochs, and serving as exported."""

from __future__ import annotations

import sys

import pytest
import torch

from benchmarks import cost_llm
from benchmarks.cost_llm import measure, read_arguments
from slmrec.params.measure_cost import MeasureCostParams

SMALL = ("student", "student_narrow", "sasrec")


def test_the_comparison_is_of_each_figure_with_the_teachers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = {"teacher": 100, "student": 20, "student_narrow": 5, "sasrec": 2}
    models = {name: torch.nn.Linear(size, 1, bias=False) for name, size in sizes.items()}
    served = {"teacher": 10.0} | dict.fromkeys(SMALL, 50.0)
    served |= {f"{name}_onnx": 80.0 for name in SMALL}
    monkeypatch.setattr(cost_llm, "new_models", lambda: models)
    monkeypatch.setattr(cost_llm, "simulate_histories", lambda: None)
    monkeypatch.setattr(cost_llm, "learners", lambda *_: {})
    monkeypatch.setattr(cost_llm, "users_per_second", lambda *_: served)
    monkeypatch.setattr(
        cost_llm, "epoch_seconds", lambda *_: {"teacher": 60.0} | dict.fromkeys(SMALL, 12.0)
    )
    p = MeasureCostParams(seed=1, repeats=1, steps=1, batch=1, users=1)
    result = measure(p, threads=1)
    assert result["against_the_teacher"]["student"] == {
        "parameters": 20 / 100,
        "epochs_faster": 60 / 12,
        "served_faster_as_exported": 80 / 10,
    }
    assert result["teacher"] == {
        "users_per_second": 10.0,
        "parameters": 100,
        "epoch_seconds": 60.0,
    }
    assert result["student_onnx"] == {"users_per_second": 80.0}


def test_the_command_line_says_how_much_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["cost_llm", "--repeats", "9", "--steps", "1"])
    arguments = read_arguments()
    assert (arguments.repeats, arguments.steps, arguments.users) == (9, 1, 256)
