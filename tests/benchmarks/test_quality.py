"""The quality benchmark: results are written after every student, and say what they are."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import Mock

import pytest

from benchmarks import quality


def test_every_student_runs_with_every_seed_and_results_grow(
    monkeypatch: pytest.MonkeyPatch,
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
    monkeypatch.setattr(quality, "provenance", lambda experiment: {})
    monkeypatch.setattr(quality, "summarize", lambda evaluations: {"seen": dict(evaluations)})
    monkeypatch.setattr(quality, "write_result", lambda name, result: written.append(result))
    quality.measure(experiment, ["student", "student_narrow"])
    assert len(written) == 3
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
