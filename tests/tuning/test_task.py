"""A task is the same in another process, and its key is that of what its trials share."""

from __future__ import annotations

from pathlib import Path

from slmrec.tuning.task import Limits, Task
from tests.tuning.support import task_of

RATE = "embed_items.training.learning_rate"


def test_a_task_comes_out_of_json_as_it_went_in(project: Path) -> None:
    task = task_of(trials=3)
    other = Task(task.part, task.params, task.space, task.logs, {"teacher": Path("t")}, task.limits)
    assert Task.loads(other.dumps()) == other
    assert Task.loads(task.dumps()).limits == Limits(None, None, 3)


def test_searched_values_and_other_sections_do_not_change_the_key(project: Path) -> None:
    key = task_of().key
    assert task_of(trials=5, changes={RATE: 0.002}).key == key
    assert task_of(changes={"distill_student.dropout": 0.3}).key == key
    assert task_of(changes={"embed_items.feed_forward": 24}).key != key
    assert task_of().shortened(1).key != key
    assert task_of().shortened(1).epochs == 1
    summary = Path("artifacts/histories/summary.json")
    summary.write_text(summary.read_text().replace("}", " }"))
    assert task_of().key != key  # other logs
