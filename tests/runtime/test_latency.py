"""Workloads cover short to longest histories; servers are timed in turn on the same of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from slmrec.core.vocabulary import PAD
from slmrec.runtime import latency
from slmrec.runtime.latency import FEWEST_CALLS, Workload, time_calls, workloads

ONE = Workload(2, "3", np.array([[2, 3, 4], [5, 6, 7]]))


def test_workloads_go_from_one_event_to_the_longest_and_mix_them() -> None:
    made = list(workloads(items=40, longest=6, batches=(1, 8)))
    assert [(load.batch, load.events) for load in made] == [
        (batch, events) for batch in (1, 8) for events in ("1", "3", "6", "mixed")
    ]
    for load in made:
        lengths = (load.indices != PAD).sum(axis=1)
        assert len(lengths) == load.batch
        assert lengths.min() >= 1 and lengths.max() <= 6
        if load.events != "mixed":
            assert set(lengths.tolist()) == {int(load.events)}
        items = load.indices[load.indices != PAD]
        assert items.min() >= 2 and items.max() <= 41  # 40 items, from index 2 on
    assert len(set((made[-1].indices != PAD).sum(axis=1).tolist())) > 1


def test_workloads_are_the_same_each_time() -> None:
    first, second = ([load.indices.tolist() for load in workloads(40, 6, (4,))] for _ in range(2))
    assert first == second


def test_the_shortest_history_can_be_the_longest() -> None:
    assert [load.events for load in workloads(40, 1, (2,))] == ["1", "mixed"]


def test_servers_take_turns_and_the_first_call_is_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, called = [0.0], []

    def server(name: str, seconds: float) -> Callable[[Workload], Callable[[], object]]:
        def serve(workload: Workload) -> Callable[[], object]:
            assert workload is ONE

            def call() -> None:
                called.append(name)
                clock[0] += seconds if called.count(name) > 1 else 1000  # the first is slow

            return call

        return serve

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock[0])
    first, second = time_calls({"a": server("a", 0.5), "b": server("b", 0.25)}, ONE, seconds=0)
    assert called == ["a", "b"] * (FEWEST_CALLS + 1)
    assert (first.server, first.calls, first.p50_ms, first.p99_ms) == ("a", 20, 500, 500)
    assert first.users_per_second == 2 / 0.5
    assert (second.server, second.users_per_second) == ("b", 2 / 0.25)
    assert second.as_json()["events"] == "3"


def test_a_server_is_called_for_as_long_as_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def call() -> None:
        clock[0] += 0.5

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock[0])
    (timing,) = time_calls({"a": lambda _workload: call}, ONE, seconds=50)
    assert timing.calls == 100


def test_percentiles_are_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, steps = [0.0], iter([9.0, *range(1, 101)])

    def call() -> None:
        clock[0] += next(steps)

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock[0])
    (timing,) = time_calls({"a": lambda _workload: call}, ONE, seconds=5049)
    # 1 to 100 seconds: between the 50th and the 51st, the 95th and 96th, the 99th and 100th.
    assert (timing.p50_ms, timing.p95_ms, timing.p99_ms) == pytest.approx((50500, 95050, 99010))
    assert timing.users_per_second == pytest.approx(2 * 100 / 5050)
