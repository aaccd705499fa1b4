"""Trials of the neighbours: found as the stage finds them, joined as `evaluate` joins them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json
from slmrec.stages import evaluate, neighbours
from slmrec.training.run import Curve
from slmrec.tuning.joined import Joined
from slmrec.tuning.settings import changed
from slmrec.tuning.task import Task
from tests.support.small_pipeline import NEIGHBOURS, train_small_project
from tests.tuning.support import task_of

HISTORIES = Path("artifacts/histories")
UNUSED = Checkpoint(Path("unused.safetensors"))


@pytest.fixture
def task(project: Path) -> Task:
    """A task whose student the stages have made."""
    for name in ("events", "histories"):
        Path(name).symlink_to(Path("artifacts") / name)
    train_small_project()
    inputs = {"student": Path("student/student")}
    return replace(task_of(), part="neighbours", inputs=inputs)


def test_a_trial_says_what_the_report_says_and_trains_nothing(task: Task) -> None:
    seen: list[Curve] = []
    student, curve = Joined(task).train(task.params, UNUSED, seen.append)
    names = ("item_vectors", "ensemble", "teacher", "student")
    evaluate.main(
        HISTORIES,
        NEIGHBOURS,
        *map(Path, names),
        negatives_path=Path("negatives.parquet"),
        evaluation_path=Path("evaluation.json"),
    )
    joined: dict[str, Any] = read_json(Path("evaluation.json"))["neighbours"]["student"]
    assert curve == [{"epoch": 1, "valid_ndcg@10": joined["validation"]["with_neighbours"]}]
    assert seen == [curve]
    assert student is not None
    assert not UNUSED.path.exists()


def test_other_settings_find_other_neighbours(task: Task) -> None:
    trial = Joined(task)
    _, curve = trial.train(task.params, UNUSED, None)
    # One neighbour an item, and all within ten steps alike: the next item is lost among them.
    blurred: dict[str, float] = {"neighbours.count": 1, "neighbours.newest": 1}
    blurred["neighbours.transitions"] = False  # which know the ring whatever the graph does
    graph = {"distance": 10, "closeness": 0.0, "backward": 1.0, "two_hops": 0.0}
    blurred |= {f"neighbours.graph.{name}": value for name, value in graph.items()}
    _, other = trial.train(changed(task.params, blurred), UNUSED, None)
    assert other[0]["valid_ndcg@10"] < curve[0]["valid_ndcg@10"]


def test_the_stage_with_these_settings_finds_the_same(task: Task) -> None:
    _, first = Joined(task).train(task.params, UNUSED, None)
    neighbours.main(Path("events"), HISTORIES, neighbours_dir=Path("again"))
    _, second = Joined(task).train(task.params, UNUSED, None)
    assert first == second
