"""Trials are trained by the stages' own functions, and nobody can ask for a test target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import sha256_of
from slmrec.dataset.histories import read_histories
from slmrec.models.serialization import load_model
from slmrec.stages import distill_student, embed_items, record_states, train_teacher
from slmrec.training.run import Curve
from slmrec.tuning.task import Task
from slmrec.tuning.trainers import save_trained, trainer_of
from slmrec.tuning.validation_only import without_test
from tests.support.small_pipeline import CHAMPION
from tests.tuning.support import LOGS, task_of

EVENTS, HISTORIES = Path("artifacts/events"), Path("artifacts/histories")


@pytest.fixture
def trained(project: Path) -> Task:
    """A task whose inputs the stages have made."""
    embed_items.main(
        EVENTS,
        HISTORIES,
        CHAMPION,
        item_vectors_dir=Path("item_vectors"),
        ensemble_dir=Path("ensemble"),
    )
    train_teacher.main(HISTORIES, Path("item_vectors"), CHAMPION, teacher_dir=Path("teacher"))
    states = Path("teacher_states")
    record_states.main(HISTORIES, Path("ensemble"), Path("teacher"), teacher_states_dir=states)
    distill_student.main(HISTORIES, Path("teacher"), states, CHAMPION, student_dir=Path("student"))
    inputs = {name: Path(name) for name in ("item_vectors", "teacher", "teacher_states")}
    return replace(task_of(), inputs=inputs)


def test_each_part_trains_what_its_stage_trains(trained: Task) -> None:
    made = {
        "item_vectors": Path("item_vectors/sasrec"),
        "teacher": Path("teacher"),
        "student": Path("student/student"),
        "without_distillation": Path("student/without_distillation"),
    }
    for part, folder in made.items():
        task, epochs = replace(trained, part=part), list[int]()

        def watch(curve: Curve, epochs: list[int] = epochs) -> None:
            epochs.append(len(curve))

        checkpoint = Checkpoint(Path(f"{part}.safetensors"))
        model, _ = trainer_of(task)(task.params, checkpoint, watch)
        save_trained(task, model, Path("mine") / part)
        mine = Path("mine") / part / ("sasrec" if part == "item_vectors" else "")
        assert epochs == [1, 2]
        assert sha256_of(mine / "model.safetensors") == sha256_of(folder / "model.safetensors")
        assert load_model(mine).max_length == 8


def test_whoever_asks_for_a_test_target_fails(project: Path) -> None:
    histories = without_test(read_histories(HISTORIES))
    assert len(histories.targets["valid"].row)
    with pytest.raises(KeyError):
        histories.targets["test"]


def test_test_targets_that_nobody_can_look_up_change_nothing(project: Path) -> None:
    task = task_of()
    train = trainer_of(task)
    _, curve = train(task.params, Checkpoint(Path("a.safetensors")), None)
    path = HISTORIES / "targets.parquet"
    targets = pl.read_parquet(path)
    beyond = pl.lit(4_000_000, dtype=targets.schema["position"])  # no history is as long
    is_test = pl.col("part") == "test"
    position = pl.when(is_test).then(beyond).otherwise(pl.col("position")).alias("position")
    targets.with_columns(position).write_parquet(path)
    broken = read_histories(HISTORIES)
    with pytest.raises(IndexError):
        broken.target_items(broken.targets["test"])
    assert LOGS.histories == HISTORIES
    assert trainer_of(task)(task.params, Checkpoint(Path("b.safetensors")), None)[1] == curve
