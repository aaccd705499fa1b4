"""What a step costs: both graphs run, agree, and their figures have the shapes that they should."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import step_cost
from benchmarks.step_cost import Graphs, agreement, latency

pytestmark = pytest.mark.acceptance  # two exports take seconds
ITEMS = 60


@pytest.fixture(scope="module")
def graphs() -> Graphs:
    return Graphs(ITEMS)


def test_steps_and_wholes_agree(graphs: Graphs) -> None:
    found = agreement(graphs, ITEMS, 6)
    assert found["rows"] == 6 * 20
    assert found["max_difference"] < 1e-4
    assert found["same_top10"] == 1.0


def test_a_cost_is_reported_for_each_batch_size(
    graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_cost, "BATCHES", (1, 3))
    result = latency(graphs, ITEMS, 10)
    assert set(result) == {"batch 1", "batch 3"}
    milliseconds = result["batch 3"]["milliseconds"]
    ratio = milliseconds["whole"] / milliseconds["step"]
    assert result["batch 3"]["times cheaper"] == pytest.approx(ratio)


def test_a_state_holds_the_events_that_were_read(graphs: Graphs) -> None:
    items, state = graphs.state_of(np.array([[5, 9], [4, 7]]))
    assert items[:, :3].tolist() == [[5, 9, 0], [4, 7, 0]]
    assert state[:, :2].any(axis=(2, 3, 4, 5)).all() and not state[:, 2:].any()
