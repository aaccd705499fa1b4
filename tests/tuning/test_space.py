"""space.yaml is as strict as params.yaml, and what it names is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import UsageError
from slmrec.tuning.space import SECTIONS, SPACE, read_space

TEXT = SPACE.read_text()


def test_the_shares_of_all_parts_are_the_whole_time() -> None:
    parts = read_space(SPACE).parts
    assert sum(parts.of(part).share for part in SECTIONS) == pytest.approx(1)
    assert parts.item_vectors.share == max(parts.of(part).share for part in SECTIONS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("low: 0.1, high: 0.6", "low: 0.7, high: 0.6", "low is 0.7, above high"),
        ("{kind: log, low: 5.0e-4", "{kind: log, low: 0", "a log range starts above 0"),
        ("train_teacher.dropout", "embed_items.dropout", "has no use for embed_items.dropout"),
        ("share: 0.5", "shares: 0.5", "parts.item_vectors.shares: Extra inputs"),
        ("values: [32, 64, 128]", "values: []", "at least 1 item"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TEXT.count(old) >= 1
    path = tmp_path / "space.yaml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(UsageError, match=message):
        read_space(path)


def test_the_student_without_distillation_has_no_settings_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    head, tail = TEXT.split("  without_distillation:")
    dropout = "settings: {distill_student.dropout: {kind: uniform, low: 0, high: 0.5}}"
    path.write_text(f"{head}  without_distillation:{tail.replace('settings: {}', dropout)}")
    with pytest.raises(UsageError, match="the student's settings and none of its own"):
        read_space(path)
