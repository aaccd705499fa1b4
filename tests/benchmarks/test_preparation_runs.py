"""Processes are measured from start to end, and simulated logs have params that fit them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import preparation_runs
from benchmarks.arguments import PROJECT
from benchmarks.preparation_runs import (
    new_run,
    read_params,
    run_measured,
    simulated_logs,
    simulation_params,
    summarize,
)
from slmrec.params.params_file import Params


def test_a_command_is_measured_whether_it_succeeds_or_fails(tmp_path: Path) -> None:
    code = "import os, sys; bytearray(50_000_000); sys.exit(int(os.environ['CODE']))"
    command = [sys.executable, "-c", code]
    figures = run_measured(command, tmp_path, CODE="3")
    assert figures["exit_code"] == 3
    assert figures["processor_seconds"] > 0
    assert figures["peak_mib"] > 45  # of 50 MB
    assert run_measured(command, tmp_path, CODE="0")["exit_code"] == 0


def test_processes_that_follow_each_other_add_their_times_and_share_the_greatest_peak() -> None:
    first = {"exit_code": 0, "seconds": 1.5, "processor_seconds": 2.0, "peak_mib": 300}
    second = {"exit_code": 4, "seconds": 0.5, "processor_seconds": 3.0, "peak_mib": 200}
    assert summarize([first, second], events=100) == {
        "exit_code": 4,
        "seconds": 2.0,
        "processor_seconds": 5.0,
        "events_per_second": 50,  # 100 / 2.0
        "events_per_processor_second": 20,  # 100 / 5.0
        "peak_mib": 300,
    }


def test_the_params_for_simulated_logs_are_valid() -> None:
    params = simulation_params(read_params(PROJECT))
    assert Params.model_validate(params).prepare.events.format == "parquet"


def test_a_run_starts_in_an_empty_folder_with_the_logs_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation_runs, "HOME", tmp_path)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "leftover").touch()
    run_dir = new_run("a", tmp_path)
    assert sorted(path.name for path in run_dir.iterdir()) == ["data", "params.yaml"]
    assert (run_dir / "data").resolve() == tmp_path


def test_logs_are_simulated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []

    def simulate(users: int, events: int, seed: int, logs_dir: Path) -> None:
        sizes.append((users, events))
        logs_dir.mkdir()

    monkeypatch.setattr(preparation_runs, "HOME", tmp_path)
    monkeypatch.setattr(preparation_runs, "simulate", simulate)
    assert simulated_logs(1000) == simulated_logs(1000)
    assert sizes == [(20, 1000)]  # 50 events a user
