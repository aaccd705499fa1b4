"""What is measured is what is served: the bundle's lists give its metrics to the last digit."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from slmrec.core.files import read_json
from slmrec.dataset.histories import Histories, read_histories
from slmrec.runtime import Recommender
from slmrec.stages import evaluate, export_onnx, measure_cost
from tests.support.logs import Event, Workshop, as_csv
from tests.support.small_pipeline import (
    DAY,
    ENSEMBLE,
    HISTORIES,
    ITEM_VECTORS,
    NEIGHBOURS,
    STATES,
    STUDENT,
    TEACHER,
    change_small_params,
    train_small_project,
)

ITEMS = 14
BUNDLE, EVALUATION, MEASURED = Path("bundle"), Path("evaluation.json"), Path("bundle.json")


def odd_logs() -> list[Event]:
    """Users who come back to what they had, one who had everything, and items of the last days."""
    random = np.random.default_rng(3)
    events: list[Event] = []
    for user in range(30):
        start = int(random.integers(ITEMS))
        for step in range(12):
            # every third step goes back to where the user began
            item = start if step % 3 == 2 else (start + step) % ITEMS
            events.append((f"u{user}", f"i{item}", (400 + step) * DAY + user, 1.0))
    events += [("all", f"i{item}", (400 + item) * DAY, 1.0) for item in range(ITEMS)]
    events += [(f"u{user}", "new", 413 * DAY + user, 1.0) for user in range(5)]
    return events


def run_pipeline(workshop: Workshop, **changes: Any) -> None:
    """Deliver the odd logs with a list of items, and run every stage on them."""
    columns = {"item": "item", "title": "title", "others": []}
    source = {"files": ["items.csv"], "format": "csv", "delimiter": None, "columns": columns}
    source |= {"header": "first_line", "names": None, "encoding": "utf-8"}
    change_small_params(workshop, prepare__items=source, **changes)
    workshop.deliver("odd.csv", as_csv(odd_logs()))
    listed = [f"i{item},Thing {item}" for item in range(ITEMS)] + ["never,Nobody had it"]
    (Path("data") / "items.csv").write_text("\n".join(["item,title", *listed]) + "\n")
    run_stages(workshop)


def run_stages(workshop: Workshop) -> None:
    """Every stage from the delivered logs to the bundle, in the current folder."""
    workshop.prepare()
    workshop.split()
    train_small_project()
    evaluate.main(
        HISTORIES, NEIGHBOURS, ITEM_VECTORS, ENSEMBLE, TEACHER, STUDENT,
        negatives_path=Path("negatives.parquet"), evaluation_path=EVALUATION,
    )  # fmt: skip
    export_onnx.main(
        Path("events"),
        HISTORIES,
        NEIGHBOURS,
        STUDENT,
        EVALUATION,
        bundle_dir=BUNDLE,
        metrics_path=MEASURED,
    )


def served_metrics(histories: Histories, recommender: Recommender) -> dict[str, float]:
    """HR@10, NDCG@10 and MRR of the lists that the bundle gives for every test target."""
    ids = pl.read_parquet("events/items.parquet").sort("item_index")["item"].to_list()
    gains: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    targets = histories.targets["test"]
    for row, position, stop in zip(
        targets.row.tolist(), targets.position.tolist(), targets.input_stop.tolist(), strict=True
    ):
        items = [ids[item - 2] for item in histories.history(row, 0, position + 1).tolist()]
        ranked = recommender.recommend([items[:stop]], recommender.largest_k)[0]
        scores = {found.item: found.score for found in ranked}
        gains[row].append((0.0, 0.0, 0.0))
        if (score := scores.get(items[-1])) is not None:
            rank = sum(other >= score for other in scores.values())  # ties against the model
            near = rank <= 10
            gains[row][-1] = (float(near), near / np.log2(rank + 1), 1 / rank)
    per_user = np.array([np.mean(each, axis=0) for _row, each in sorted(gains.items())])
    return dict(zip(("hr@10", "ndcg@10", "mrr"), per_user.mean(axis=0).tolist(), strict=True))


@pytest.mark.parametrize(
    ("exclude_seen", "method"),
    [
        (True, "temporal"),
        pytest.param(False, "leave_one_out", marks=pytest.mark.acceptance),
        pytest.param(False, "temporal", marks=pytest.mark.acceptance),
        pytest.param(True, "leave_one_out", marks=pytest.mark.acceptance),
    ],
)
def test_the_lists_of_the_bundle_give_its_metrics_to_the_last_digit(
    workshop: Workshop, method: str, exclude_seen: bool
) -> None:
    run_pipeline(workshop, split__method=method, split__exclude_seen=exclude_seen)
    recommender = Recommender(BUNDLE, "cpu", 1)
    measured = read_json(MEASURED)["models"]["student_onnx"]
    full = measured["full"]
    served = served_metrics(read_histories(HISTORIES), recommender)
    assert served == pytest.approx({metric: full[metric] for metric in served}, rel=1e-12)
    assert recommender.contract["exclude_seen"] is exclude_seen
    evaluated = read_json(EVALUATION)
    assert recommender.largest_k == evaluated["protocol"]["items"] == ITEMS + 1  # with "new"
    validation = evaluated["neighbours"]["student"]["validation"]
    joined = validation["with_neighbours"] > validation["alone"]
    name = "student_with_neighbours" if joined else "student"
    student = evaluated["models"][name]["full"]
    assert student["ndcg@10"] == pytest.approx(full["ndcg@10"], rel=1e-6)
    assert evaluated["models"]["student"]["sampled"]["hr@1"] < 1  # the user who had everything


@pytest.mark.acceptance
def test_a_catalogue_smaller_than_a_list_goes_through_every_stage(
    workshop: Workshop, recwarn: pytest.WarningsRecorder
) -> None:
    events: list[Event] = [
        (f"u{user}", f"i{(user + step) % 6}", (400 + step) * DAY, 1.0)
        for user in range(12)
        for step in range(4)
    ]
    change_small_params(
        workshop, split__method="leave_one_out", record_states__top=4, measure_cost__users=5
    )
    workshop.deliver("tiny.csv", as_csv(events))
    run_stages(workshop)
    measure_cost.main(
        HISTORIES, ITEM_VECTORS, TEACHER, STATES, STUDENT, BUNDLE, cost_path=Path("cost.json")
    )
    assert read_json(Path("cost.json"))["student_onnx"]["users_per_second"] > 0
    assert not [each for each in recwarn if issubclass(each.category, RuntimeWarning)]
