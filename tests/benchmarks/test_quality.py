"""The quality benchmark: results are written after every student, and say what they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from benchmarks import quality

EVALUATE = {
    "seed": 1, "negatives": 5, "bootstrap": 50, "recent_days": 30, "short_history": 5,
    "blend_targets": 50, "tail_share": 0.2,
}  # fmt: skip
PAIRS = {"student_narrow-sasrec": [0, 0], "student_narrow-student_narrow_without_distillation": []}


class StandInRun:
    """A run whose student is better by a tenth, and worse without distillation by its seed."""

    def __init__(self, root: Path) -> None:
        self.seed = int(root.name.rpartition("-")[2])

    def user_ndcg(self) -> dict[str, np.ndarray]:
        hard = np.arange(20) / 100
        return {
            "sasrec": hard,
            "student": hard + 0.1,
            "student_without_distillation": hard + 0.1 - 0.01 * self.seed,
        }


def test_every_student_runs_with_every_seed_and_results_grow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"students": {"student": {"seeds": [1]}, "student_narrow": {"seeds": [1, 2]}}}
    experiment = Mock(settings=settings, teacher_seed=1)
    experiment.name = "set-small"
    experiment.sasrec = lambda seed: f"sasrec-{seed}"
    experiment.teacher = lambda sasrec: f"teacher from {sasrec}"
    experiment.student = lambda name, seed, sasrec, teacher: {
        "protocol": {},
        "models": {"student": {"full": {"ndcg@10": float(seed)}, "by": f"{sasrec}, {teacher}"}},
        "paired": {},
    }
    written: list[dict[str, Any]] = []
    experiment.root = tmp_path
    experiment.tables.params = {"evaluate": EVALUATE}
    monkeypatch.setattr(quality, "provenance", lambda experiment: {})
    monkeypatch.setattr(quality, "SeedRun", StandInRun)
    monkeypatch.setattr(
        quality, "summarize", lambda evaluations: {"seen": dict(evaluations), "paired": PAIRS}
    )
    monkeypatch.setattr(quality, "write_result", lambda name, result: written.append(result))
    quality.measure(experiment, ["student", "student_narrow"])
    assert len(written) == 3
    combined = written[-1]["combined"]
    assert {name: model["seeds"] for name, model in combined["models"].items()} == {
        "sasrec": 2,
        "student": 1,
        "student_without_distillation": 1,
        "student_narrow": 2,
        "student_narrow_without_distillation": 2,
    }
    first, second = (combined["paired"][pair] for pair in PAIRS)
    assert (first["seeds"], second["seeds"]) == (2, 2)
    assert first["ci95"] == pytest.approx([0.1, 0.1])  # the same for every user and seed
    assert second["mean"] == pytest.approx((0.01 + 0.02) / 2)
    by_seed = written[-1]["seen"]
    assert [list(evaluation["models"]) for evaluation in by_seed[1]] == [
        ["student"],
        ["student_narrow"],
    ]
    assert by_seed[2][0]["models"]["student_narrow"]["by"] == "sasrec-2, teacher from sasrec-1"


def test_the_command_line_names_the_set_and_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["quality", "steam-100k", "--small", "--threads", "1"])
    arguments = quality.read_arguments()
    assert (arguments.dataset, arguments.small, arguments.earlier) == ("steam-100k", True, False)
    assert (arguments.threads, arguments.students) == (1, None)
