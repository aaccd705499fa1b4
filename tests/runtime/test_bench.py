"""`slmrec bench` measures whole calls on the bundle's own items, and prints what it measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from slmrec.runtime import Recommender, bench
from slmrec.runtime.latency import Workload


def test_a_report_has_every_batch_and_length_of_every_server(
    exported_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "BATCHES", (1, 3))
    asked: list[int] = []

    def other(workload: Workload) -> Callable[[], object]:
        return lambda: asked.append(workload.batch)

    report = bench.bench(exported_bundle, "cpu", 1, 0, {"other": other})
    assert [(call["batch"], call["events"], call["server"]) for call in report["calls"]] == [
        (batch, events, server)
        for batch in (1, 3)
        for events in ("1", "3", "6", "mixed")
        for server in ("bundle", "bundle int8", "other")
    ]
    assert set(asked) == {1, 3}
    for call in report["calls"]:
        assert 0 < call["p50_ms"] <= call["p95_ms"] <= call["p99_ms"]
        assert call["users_per_second"] > 0
    assert report["measured_with"]["device"] == "cpu"
    assert json.loads(json.dumps(report)) == report


def test_whole_calls_are_timed(recommender: Recommender) -> None:
    workload = Workload(2, "mixed", np.array([[5, 9], [3, 0]]))
    result = bench.serving_ids(recommender)(workload)()
    assert result == recommender.recommend([["i5", "i9"], ["i3"]], 10)


REPORT = {
    "measured_with": {
        "device": "cpu",
        "threads": None,
        "cores": 2,
        "system": "Linux x86_64",
        "python": "3.11.7",
        "onnxruntime": "1.31.1",
        "items": 1682,
        "longest": 50,
        "batch_size": 32,
    },
    "cold_start": {
        "process_seconds": 0.5,
        "import_seconds": 0.25,
        "load_seconds": 0.125,
        "first_answer_seconds": 0.001,
        "loaded_mib": 70.2,
        "after_256_users_mib": None,
    },
    "calls": [
        {
            "server": "bundle",
            "batch": 256,
            "events": "mixed",
            "calls": 20,
            "p50_ms": 20.5,
            "p95_ms": 30.25,
            "p99_ms": 31.0,
            "users_per_second": 12345.6,
        }
    ],
}


def test_the_table_is_for_a_person() -> None:
    lines = bench.table(REPORT).splitlines()
    assert lines[0].startswith("cpu, threads: all of 2 cores; onnxruntime 1.31.1")
    assert lines[1] == "1,682 items, histories of up to 50 events, 32 at once"
    assert "memory 70 MiB, after 256 users at once unknown" in lines[2]
    assert lines[-2].split() == [
        "batch",
        "events",
        "p50",
        "ms",
        "p95",
        "ms",
        "p99",
        "ms",
        "users/s",
    ]
    assert lines[-1].split() == ["bundle", "256", "mixed", "20.500", "30.250", "31.000", "12,346"]
    assert len(lines[-1]) == len(lines[-2])
