"""What is measured of a step, and that nothing is measured twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import catalogue_size
from benchmarks.catalogue_size import LOSSES, measure, measure_missing
from slmrec.core.files import read_json, write_json


def test_a_measurement_has_times_and_peaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_size, "USERS", 30)
    monkeypatch.setattr(catalogue_size, "LENGTH", 4)
    monkeypatch.setattr(catalogue_size, "POSITIONS", 8)  # two windows a batch
    figures = measure(items=50, loss="softmax", work_dir=tmp_path)
    assert set(figures) == {
        "step_seconds",
        "step_processor_seconds",
        "checkpoint_seconds",
        "peak_mib_of_steps",
        "peak_mib",
    }
    assert figures["step_seconds"] > 0
    assert figures["peak_mib"] >= figures["peak_mib_of_steps"] > 0
    assert (tmp_path / "checkpoint.safetensors").is_file()


def test_what_stands_in_the_results_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tmp_path / "catalogue-size.json"
    write_json(result, {"steps": {"10 items, softmax": {"step_seconds": 1.0}}})
    monkeypatch.setattr(catalogue_size, "RESULT", result)
    asked: list[tuple[int, str]] = []

    def stand_in(items: int, loss: str, threads: int) -> dict[str, float]:
        asked.append((items, loss))
        return {"step_seconds": 2.0}

    monkeypatch.setattr(catalogue_size, "measure_in_new_process", stand_in)
    measure_missing([20, 10], threads=1)
    others = [loss for loss in LOSSES if loss != "softmax"]
    assert asked == [(10, loss) for loss in others] + [(20, loss) for loss in LOSSES]
    steps = read_json(result)["steps"]
    assert steps["10 items, softmax"] == {"step_seconds": 1.0}
    assert steps["20 items, softmax"] == {"step_seconds": 2.0}
