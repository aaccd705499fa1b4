"""What is measured of a run of `slmrec score`: its speed beside the session's, and its peak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks import scoring
from benchmarks.scoring import compare_speeds, measure_memory, session_batches, write_table
from slmrec.runtime import Recommender
from slmrec.runtime.comparison import TopK
from tests.support.bundles import make_bundle
from tests.support.scored import walks


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


def test_the_session_is_given_what_a_run_gives_it(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = [items for items in walks(80) if "nowhere" not in items]
    recommender = Recommender(bundle, "cpu", 1)
    expected = session_batches(recommender, lists)
    given = []

    def noted(session: object, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        given.append((history, exclude))
        return TopK(np.zeros((len(history), k), np.int64), np.zeros((len(history), k), np.float32))

    monkeypatch.setattr("slmrec.runtime.recommender.run_graph", noted)
    recommender.recommend(lists, 5, exclude_seen=True)
    assert len(given) == len(expected) == 3  # of 80 users, 32 at a time
    for one, other in zip(given, expected, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_table_may_be_written_several_times(tmp_path: Path) -> None:
    table = pq.read_table(write_table(tmp_path / "h.parquet", [["i2"], ["i3", "i4"]], 3))
    assert table["user"].to_pylist() == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    assert table["items"].to_pylist() == [["i2"], ["i3", "i4"]] * 3


def test_the_share_is_the_sessions_time_of_a_runs_without_loading(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"session": 4.0, "single": 1.0, "histories": 6.0}
    monkeypatch.setattr(scoring, "processor_seconds", lambda work: seconds["session"])
    monkeypatch.setattr(
        scoring, "_run_seconds", lambda bundle, histories, out: seconds[histories.stem]
    )
    assert compare_speeds(bundle, [["i2"]] * 20, tmp_path) == {
        "session_users_per_second": 20 / 4,
        "score_users_per_second": 20 / (6 - 1),
        "share_of_the_session": 4 / (6 - 1),
    }


def test_memory_is_that_of_processes_of_their_own(bundle: Path, tmp_path: Path) -> None:
    peaks = measure_memory(bundle, [["i2"], ["i3"]], 2, tmp_path)
    assert list(peaks) == ["2 users", "4 users"]
    assert min(peaks.values()) > 20  # MiB: Python, pyarrow and onnxruntime
