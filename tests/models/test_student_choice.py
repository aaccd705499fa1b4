"""The student that is kept is the one that was chosen, and the choice lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.models.student_choice import StudentChoice, keep_choice, read_choice


@pytest.mark.parametrize(("falls_back", "kept"), [(True, "alone"), (False, "distilled")])
def test_what_was_chosen_is_kept(tmp_path: Path, falls_back: bool, kept: str) -> None:
    for name, text in (("student", "distilled"), ("without_distillation", "alone")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_text(text)
    choice = StudentChoice(0.05, 0.06, falls_back)
    keep_choice(tmp_path, choice)
    assert (tmp_path / "student" / "model.safetensors").read_text() == kept
    assert (tmp_path / "without_distillation" / "model.safetensors").read_text() == "alone"
    assert read_choice(tmp_path) == choice
