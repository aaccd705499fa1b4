"""The depth study runs where the teacher's inputs are linked."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

from benchmarks.depth_llm import ARGUMENTS, study


def test_the_teacher_is_trained_and_then_studied(tmp_path: Path) -> None:
    experiment = Mock(teacher_seed=4)
    experiment.settings = {"teacher": {"changes": {"compute.precision": "bf16"}}}
    workspace = experiment.workspace.return_value
    workspace.root = tmp_path
    assert study(experiment) == tmp_path / "reports"
    experiment.prepare.assert_called_once_with()
    experiment.sasrec.assert_called_once_with(4)
    assert experiment.workspace.call_args.args[1] == {"compute.precision": "bf16"}
    calls = [call[0] for call in workspace.method_calls]
    assert calls == ["run_stage", "run_python"]
    workspace.run_python.assert_called_once_with("-m", "slmrec.studies.depth", *ARGUMENTS)
    assert (tmp_path / "studies.yaml").is_file()
