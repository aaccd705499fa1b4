"""The student's search has the ensemble and the states that the stages would make."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from slmrec.core.files import sha256_of_folder
from slmrec.stages import embed_items, record_states, train_teacher
from slmrec.tuning.attempt import OutOfTimeError
from slmrec.tuning.materials import make_materials
from slmrec.tuning.task import Limits, Task
from tests.support.small_pipeline import CHAMPION
from tests.tuning.support import task_of

EVENTS, HISTORIES = Path("artifacts/events"), Path("artifacts/histories")


@pytest.fixture
def task(project: Path) -> Task:
    """A student's task, with item vectors and a teacher of the stages."""
    embed_items.main(
        EVENTS,
        HISTORIES,
        CHAMPION,
        item_vectors_dir=Path("item_vectors"),
        ensemble_dir=Path("ensemble"),
    )
    train_teacher.main(HISTORIES, Path("item_vectors"), CHAMPION, teacher_dir=Path("teacher"))
    inputs = {"item_vectors": Path("item_vectors"), "teacher": Path("teacher")}
    return replace(task_of(), part="student", inputs=inputs)


def test_materials_are_what_the_stages_make_and_are_made_once(task: Task) -> None:
    states = Path("teacher_states")
    record_states.main(HISTORIES, Path("ensemble"), Path("teacher"), teacher_states_dir=states)
    made = make_materials(task)
    assert sha256_of_folder(made["ensemble"], "*") == sha256_of_folder(Path("ensemble"), "*")
    assert sha256_of_folder(made["teacher_states"], "*") == sha256_of_folder(states, "*")
    (made["ensemble"] / "mark").touch()
    assert make_materials(task)["ensemble"] == made["ensemble"]
    assert (made["ensemble"] / "mark").exists()


def test_a_change_of_the_item_vectors_makes_new_ones_and_removes_the_old(task: Task) -> None:
    made = make_materials(task)
    task.params["embed_items"]["dropout"] = 0.1
    again = make_materials(task)
    assert not made["ensemble"].exists() and again["ensemble"].is_dir()
    assert not made["teacher_states"].exists() and again["teacher_states"].is_dir()


def test_time_that_is_up_leaves_nothing_half_written(task: Task) -> None:
    now = time.time()
    with pytest.raises(OutOfTimeError):
        make_materials(replace(task, limits=Limits(now - 1, now - 1, None)))
    assert [path.name for path in Path("cache/tune").glob("ensemble-*")] == []
    assert make_materials(task)["ensemble"].is_dir()
    assert not Path("cache/tune/members").exists()
