"""A project small enough to train in seconds: logs in which items follow each other on a ring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmrec.stages import distill_student, embed_items, neighbours, record_states, train_teacher
from tests.support.logs import Workshop, as_csv

USERS, ITEMS, LENGTH = 40, 15, 14
DAY = 86_400
TRAINING = {"epochs": 2, "positions_per_batch": 200, "validation_targets": 40}
DECODER = {
    "kind": "config",
    "layers": 2,
    "width": 16,
    "heads": 2,
    "key_value_heads": 1,
    "feed_forward": 24,
}
CHANGES: dict[str, Any] = {
    "compute__threads": 1,
    "split__max_length": 8,
    "embed_items__width": 8,
    "embed_items__layers": 1,
    "embed_items__feed_forward": 16,
    "embed_items__ensemble_seeds": [7],
    "embed_items__ensemble_low_pass": {"share": 0.4, "span": 3},
    "train_teacher__backbone": DECODER,
    "record_states__blocks": [1, 2],
    "record_states__top": 5,
    "distill_student__decoder__teacher_layers": [1, 2],
    "evaluate__negatives": 5,
    "evaluate__bootstrap": 50,
    "measure_cost__users": 20,
    "measure_cost__batch": 8,
    "measure_cost__steps": 2,
    "measure_cost__repeats": 1,
}
HISTORIES, ITEM_VECTORS, ENSEMBLE = Path("histories"), Path("item_vectors"), Path("ensemble")
TEACHER, STATES, STUDENT = Path("teacher"), Path("teacher_states"), Path("student")
NEIGHBOURS, CHAMPION = Path("neighbours"), Path("champion")


def change_small_params(workshop: Workshop, **changes: Any) -> None:
    """Write params.yaml as the small project has it, but for these changes."""
    sections = ("embed_items", "train_teacher", "distill_student")
    training = {
        f"{section}__training__{key}": value
        for section in sections
        for key, value in TRAINING.items()
    }
    workshop.set(**CHANGES | training | changes)


def prepare_small_project(workshop: Workshop) -> None:
    """Write params.yaml and logs, and make histories of them; the process stands in the folder."""
    change_small_params(workshop)
    events = [
        (f"u{user}", f"i{(user + step) % ITEMS}", (user % 7 + step) * DAY + DAY * 400, 1.0)
        for user in range(USERS)
        for step in range(LENGTH)
    ]
    workshop.deliver("ring.csv", as_csv(events))
    workshop.prepare()
    workshop.split()


def train_small_project() -> None:
    """Run the training stages in the current folder, from the histories to the students."""
    neighbours.main(Path("events"), HISTORIES, neighbours_dir=NEIGHBOURS)
    embed_items.main(
        Path("events"), HISTORIES, CHAMPION, item_vectors_dir=ITEM_VECTORS, ensemble_dir=ENSEMBLE
    )
    train_teacher.main(HISTORIES, ITEM_VECTORS, CHAMPION, teacher_dir=TEACHER)
    record_states.main(HISTORIES, ENSEMBLE, TEACHER, teacher_states_dir=STATES)
    distill_student.main(HISTORIES, TEACHER, STATES, CHAMPION, student_dir=STUDENT)
