"""Two teachers differ in the prompt alone, and their times are compared."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks import prompt
from benchmarks.prompt import timed, train_teachers


def test_the_teachers_differ_in_the_prompt_alone() -> None:
    experiment = Mock(teacher_seed=1)
    experiment.settings = {"teacher": {"changes": {"compute.precision": "bf16"}}}
    experiment.sasrec.return_value.artifact.return_value = Path("item_vectors")
    experiment.tables.artifact.return_value = Path("histories")
    teachers = train_teachers(experiment, "These were bought:")
    assert list(teachers) == ["without", "with"]
    changes = [call.args[1] for call in experiment.workspace.call_args_list]
    key = "train_teacher.backbone.prompt"
    assert [change.pop(key) for change in changes] == [None, "These were bought:"]
    assert changes == [{"compute.precision": "bf16"}] * 2
    names = [call.args[0] for call in experiment.workspace.call_args_list]
    assert names == ["teacher-without-prompt", "teacher-with-prompt"]


def test_times_are_medians_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"without": [2.0, 9.0, 1.0], "with": [3.0, 3.0, 8.0]}
    monkeypatch.setattr(prompt, "time_in_turn", lambda tasks, repeats: times)
    assert timed({}) == {"without": 2.0, "with": 3.0, "with/without": 1.5}
