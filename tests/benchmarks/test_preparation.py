"""What the peers are given holds the same events, and what is measured is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import preparation
from benchmarks.arguments import PROJECT
from benchmarks.preparation import (
    beauty_params,
    folder_bytes,
    measure_append,
    measure_beauty,
    measure_ours,
    measure_peer,
    record,
)
from benchmarks.preparation_runs import Figures, read_params, simulation_params
from slmrec.core.files import read_json, write_json
from slmrec.params.params_file import Params

EVENTS = {"user_id": ["u", "v"], "item_id": ["a", "b"], "timestamp": [0, 86_400]}
FIGURES = {"exit_code": 0, "seconds": 2.0, "processor_seconds": 4.0, "peak_mib": 10}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that were measured; logs and runs lie under tmp_path."""
    commands: list[tuple[str, ...]] = []

    def simulated_logs(size: int) -> Path:
        for day in ("day-1", "day-2"):
            (tmp_path / "logs" / "events" / day).mkdir(parents=True, exist_ok=True)
            file = tmp_path / "logs" / "events" / day / "a.parquet"
            pl.DataFrame(EVENTS).write_parquet(file)
        return tmp_path / "logs"

    def run_measured(command: list[str], run_dir: Path, **environment: str) -> Figures:
        commands.append(tuple(command[2:]))
        return dict(FIGURES)

    def run_stage(run_dir: Path, name: str, *arguments: str) -> Figures:
        days = len(list((run_dir / "data" / "events").glob("*")))
        commands.append((name, f"{days} days"))
        for out in ("events", "histories", "cache"):
            (run_dir / out).mkdir(exist_ok=True)
            (run_dir / out / "file").write_bytes(b"12345")
        write_json(run_dir / "data.json", {"events": 3})
        write_json(run_dir / "histories" / "summary.json", {"users": 1})
        return FIGURES | {"seconds": float(days)}

    monkeypatch.setattr("benchmarks.preparation_runs.HOME", tmp_path / "home")
    for stand_in in (simulated_logs, run_measured, run_stage):
        monkeypatch.setattr(preparation, stand_in.__name__, stand_in)
    return commands


def test_ours_is_prepare_and_split_and_what_they_leave(runs: list[tuple[str, ...]]) -> None:
    figures = measure_ours(4)
    assert [run[0] for run in runs] == ["prepare", "split"]
    assert figures["seconds"] == 4.0  # 2 + 2
    assert figures["processor_seconds"] == 8.0
    assert figures["bytes"]["events"] == 5


@pytest.mark.parametrize("name", preparation.PEERS)
def test_a_peer_reads_the_same_events_in_its_own_form(
    runs: list[tuple[str, ...]], tmp_path: Path, name: str
) -> None:
    figures = measure_peer(name, 4)
    ((module, *arguments),) = runs
    assert (
        module
        == f"benchmarks.peers.{'pandas_histories' if name == 'pandas' else name + '_dataset'}"
    )
    assert figures["events_per_second"] == 2  # 4 events in 2 seconds
    run_dir = tmp_path / "home" / "runs" / f"{name}-4"
    if name == "rectools":
        lines = (run_dir / arguments[0]).read_text().splitlines()
        assert lines[0] == "user_id,item_id,datetime,weight"
        assert (
            sorted(lines[1:])
            == ["u,a,1970-01-01 00:00:00,1"] * 2 + ["v,b,1970-01-02 00:00:00,1"] * 2
        )
    elif name == "recbole":
        lines = (run_dir / arguments[0] / arguments[1] / "logs.inter").read_text().splitlines()
        assert lines[0] == "user_id:token\titem_id:token\ttimestamp:float"
        assert sorted(lines[1:]) == ["u\ta\t0"] * 2 + ["v\tb\t86400"] * 2
    else:
        assert (run_dir / arguments[0]).is_dir()


def test_the_last_day_is_added_after_all_the_others(runs: list[tuple[str, ...]]) -> None:
    figures = measure_append(4)
    assert runs == [("prepare", "1 days"), ("prepare", "2 days")]
    assert figures["share"] == {"seconds": 2.0, "processor_seconds": 1.0}  # 2 / 1 and 4 / 4


def test_the_papers_beauty_becomes_a_csv_with_a_clock(
    runs: list[tuple[str, ...]], tmp_path: Path
) -> None:
    (tmp_path / "sequences.txt").write_text("7 30 20\n")
    counts = measure_beauty(tmp_path / "sequences.txt")
    assert counts == {"data.json": {"events": 3}, "histories/summary.json": {"users": 1}}
    lines = (tmp_path / "home" / "runs" / "beauty" / "data" / "events.csv").read_text()
    assert lines.splitlines() == [
        "user,item,timestamp",
        "7,30,1000000000",
        "7,20,1000000001",
    ]


def test_the_params_for_the_papers_beauty_are_valid() -> None:
    params = beauty_params(simulation_params(read_params(PROJECT)))
    assert Params.model_validate(params).split.method == "leave_one_out"


def test_a_record_is_added_to_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "RESULT", tmp_path / "preparation.json")
    figures: dict[str, Any] = {"seconds": 1.0}
    record("slmrec 10", figures)
    record("pandas 10", figures)
    result = read_json(tmp_path / "preparation.json")
    assert set(result) == {"machine", "slmrec 10", "pandas 10"}
    assert result["pandas 10"]["seconds"] == 1.0
    assert result["pandas 10"]["load_before"] >= 0


def test_bytes_of_a_folder_are_those_of_all_files_below_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"123")
    (tmp_path / "a" / "b" / "two").write_bytes(b"4567")
    assert folder_bytes(tmp_path / "a") == 3 + 4
