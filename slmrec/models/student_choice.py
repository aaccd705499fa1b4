"""Which of the trained students is the student: the distilled one, or the one without."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from slmrec.core.files import read_json, write_json

CHOICE = "choice.json"
STUDENT, ALONE = "student", "without_distillation"  # folders of the two


@dataclass(frozen=True)
class StudentChoice:
    """NDCG@10 of both on all validation targets, and what came of it."""

    distilled: float
    without_distillation: float
    falls_back: bool


def keep_choice(student_dir: Path, choice: StudentChoice) -> None:
    """Note the choice; where it falls back, the one without distillation is kept as `student`."""
    if choice.falls_back:
        shutil.rmtree(student_dir / STUDENT)
        shutil.copytree(student_dir / ALONE, student_dir / STUDENT)
    write_json(student_dir / CHOICE, asdict(choice))


def read_choice(student_dir: Path) -> StudentChoice:
    """What `keep_choice` noted. Raises UsageError where it noted nothing."""
    return StudentChoice(**read_json(student_dir / CHOICE))
