"""What is measured of a call: its time, and how much of it is onnxruntime's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import runtime_overhead
from benchmarks.runtime_overhead import (
    draw_histories,
    measure_batch_size,
    measure_calls,
    measure_large_call,
)
from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle
from tests.support.histories import histories_of


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


def test_histories_are_beginnings_of_users_histories_as_ids() -> None:
    sequences = [[2, 3, 4, 5], [6, 7]]
    drawn = draw_histories(histories_of(sequences, 4), ["a", "b", "c", "d", "e", "f"], 30)
    wholes = [["a", "b", "c", "d"], ["e", "f"]]
    assert all(row and any(row == whole[: len(row)] for whole in wholes) for row in drawn)
    assert {len(row) for row in drawn} == {1, 2, 3, 4}


def test_the_share_around_onnxruntime_is_what_its_runs_leave(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = Recommender(bundle, "cpu", 1)
    clock, session = [0.0], recommender.session

    class Slow:
        def run(self, *arguments: Any) -> Any:
            clock[0] += 3.0
            return session.run(*arguments)

    recommender.session = Slow()
    monkeypatch.setattr(runtime_overhead.time, "process_time", lambda: clock[0])
    recommend = recommender.recommend

    def slow_around(*arguments: Any) -> Any:
        clock[0] += 1.0
        return recommend(*arguments)

    monkeypatch.setattr(recommender, "recommend", slow_around)
    figures = measure_calls(recommender, [["i5"], ["i9"], ["i3"], ["i4"], ["i6"]], users=2)
    assert figures == {
        "milliseconds": 4000.0,  # 3 of a run and 1 around it
        "share_around_onnxruntime": 1 / 4,
        "users_per_second": 2 / 4,
    }
    assert isinstance(recommender.session, Slow)  # as before


def test_a_large_call_has_times_and_memory(bundle: Path) -> None:
    figures = measure_large_call(Recommender(bundle, "cpu", 1), [["i5"]] * 500)
    assert set(figures) == {"seconds", "processor_seconds", "more_mib"}
    assert (figures["seconds"] or 0) > 0


def test_a_batch_size_is_what_the_graph_is_given(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    recommend = Recommender.recommend

    def noted(self: Recommender, *arguments: Any) -> Any:
        sizes.append(self.batch_size)
        return recommend(self, *arguments)

    monkeypatch.setattr(Recommender, "recommend", noted)
    assert measure_batch_size(bundle, 1, 8, [["i5"]] * 64) > 0
    assert sizes == [8, 8]
