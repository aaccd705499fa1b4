"""What neighbours cost in the graph: both graphs run, and the tables take the bytes they should."""

from __future__ import annotations

import pytest

from benchmarks import neighbour_cost
from benchmarks.neighbour_cost import graph_bytes, in_turns, measure, random_neighbours

pytestmark = pytest.mark.acceptance  # an export takes seconds, and each test needs two


def test_two_tables_add_eight_bytes_for_each_neighbour() -> None:
    items, count = 300, 7
    alone = len(graph_bytes(items, 8, None))
    joined = len(graph_bytes(items, 8, random_neighbours(items, count)))
    tables = 2 * (items + 2) * count * 8  # an index and a weight of four bytes each
    assert 0 < joined - alone - tables < 10_000  # the nodes that read them


def test_works_take_turns() -> None:
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in ("left", "right")}
    seconds = in_turns(works, 3)
    assert calls == ["left", "right"] * 3
    assert {name: len(rounds) for name, rounds in seconds.items()} == {"left": 3, "right": 3}


def test_latency_is_reported_for_each_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour_cost, "BATCHES", (1, 3))
    result = measure(items=60, count=4, rounds=10)
    assert set(result) == {"bytes", "batch 1", "batch 3"}
    assert result["bytes"]["student"] < result["bytes"]["student_with_neighbours"]
    milliseconds = result["batch 3"]["milliseconds"]
    ratio = milliseconds["student_with_neighbours"] / milliseconds["student"]
    assert result["batch 3"]["ratio"] == pytest.approx(ratio)
