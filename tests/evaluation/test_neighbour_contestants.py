"""Neighbours in the report: alone, and joined to the students, with settings of validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.evaluation.contestants import Contestant
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.evaluation.neighbour_contestants import NeighbourContestants, joined_name
from slmrec.neighbours.table import Neighbours
from slmrec.ranking.metrics import mean_ndcg10
from tests.support.evaluation import evaluate_params
from tests.support.histories import ring_histories
from tests.support.neighbours import ring_table

ITEMS = 30
ROWS = ITEMS + 2
P = evaluate_params(bootstrap=20, blend_targets=40)


class EqualScorer:
    """A student that knows nothing."""

    def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
        return torch.zeros(len(rows), ROWS)


STUDENT = Contestant(EqualScorer(), ParameterCounts(7, 3), [Path("student")])


@pytest.fixture
def neighbours(tmp_path: Path) -> NeighbourContestants:
    """Of users who walk the ring that the tables know."""
    Neighbours({"graph": ring_table(ROWS), "titles": ring_table(ROWS)}, 3).save(tmp_path)
    histories = ring_histories(60, ITEMS, 8)
    evaluator = Evaluator(histories, ROWS, np.empty(0, dtype=np.int64), P)
    return NeighbourContestants(tmp_path, evaluator)


def test_each_table_alone_is_a_baseline_with_the_decay_that_validation_prefers(
    neighbours: NeighbourContestants, tmp_path: Path
) -> None:
    baselines = neighbours.baselines()
    assert set(baselines) == {"item_neighbours", "title_neighbours"}
    alone = baselines["item_neighbours"]
    assert alone.parameters == ParameterCounts(0, 0)
    assert alone.model_dirs == [tmp_path]
    ranks = neighbours.evaluator.rank(alone.scorer)
    # the newest item's first neighbour is the target: with the best decay it stands first
    assert mean_ndcg10(ranks.full, neighbours.evaluator.targets.row) == 1.0


def test_students_alone_are_joined_and_keep_their_parameters(
    neighbours: NeighbourContestants, tmp_path: Path
) -> None:
    joined = neighbours.joined({"student": STUDENT, "teacher": STUDENT})
    assert list(joined) == ["student"]
    student = joined["student"]
    assert student.contestant.parameters == STUDENT.parameters
    assert student.contestant.model_dirs == [Path("student"), tmp_path]
    assert joined_name("student") == "student_with_neighbours"


def test_the_report_says_how_they_were_joined_and_what_validation_saw(
    neighbours: NeighbourContestants,
) -> None:
    report = neighbours.joined({"student": STUDENT})["student"].as_json()
    assert report["validation"] == {"alone": 0.0, "with_neighbours": 1.0}
    assert set(report) == {"decay", "terms", "trend", "validation"}
    assert report["terms"]


def test_validation_alone_decides(neighbours: NeighbourContestants) -> None:
    valid = neighbours.histories.targets["valid"]
    assert set(neighbours.targets.position.tolist()) <= set(valid.position.tolist())
    stops = {
        (row, stop) for row, stop in zip(valid.row.tolist(), valid.input_stop.tolist(), strict=True)
    }
    asked = zip(
        neighbours.targets.row.tolist(), neighbours.targets.input_stop.tolist(), strict=True
    )
    assert set(asked) <= stops
