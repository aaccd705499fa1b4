"""Folders in which preparation is measured, and processes whose time and memory are measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.arguments import PROJECT
from slmrec.demo.simulation import simulate

HOME = PROJECT / ".cache" / "benchmarks" / "preparation"
EVENTS_PER_USER = 50
SEED = 1
Figures = dict[str, Any]
Params = dict[str, Any]


def run_measured(command: list[str], run_dir: Path, **environment: str) -> Figures:
    """Run a command to its end: wall and processor seconds, and its peak of resident memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=run_dir, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit_code": process.returncode,
        "seconds": round(time.perf_counter() - started, 2),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": usage.ru_maxrss // 1024,
    }


def summarize(parts: list[Figures], events: int) -> Figures:
    """Processes that ran one after the other as one figure, with the events they did a second."""
    seconds = sum(part["seconds"] for part in parts)
    processor_seconds = sum(part["processor_seconds"] for part in parts)
    return {
        "exit_code": max(part["exit_code"] for part in parts),
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor_seconds, 2),
        "events_per_second": round(events / seconds),
        "events_per_processor_second": round(events / processor_seconds),
        "peak_mib": max(part["peak_mib"] for part in parts),
    }


def run_stage(run_dir: Path, name: str, *arguments: str) -> Figures:
    """One stage in a process of its own, its cache below `run_dir`."""
    command = [sys.executable, "-m", f"slmrec.stages.{name}", *arguments]
    return run_measured(command, run_dir, SLMREC_CACHE=str(run_dir / "cache"), **in_project())


def in_project() -> dict[str, str]:
    """The variable that lets a process elsewhere import the project."""
    return {"PYTHONPATH": str(PROJECT)}


def simulated_logs(size: int) -> Path:
    """Simulated logs of `size` events, made once."""
    logs = HOME / f"events-{size}"
    if not logs.is_dir():
        simulate(size // EVENTS_PER_USER, size, SEED, logs)
    return logs


def new_run(name: str, logs: Path) -> Path:
    """An empty folder with params.yaml, and data/ as a link to the logs."""
    run_dir = HOME / "runs" / name
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    write_params(run_dir, simulation_params(read_params(PROJECT)))
    (run_dir / "data").symlink_to(logs)
    return run_dir


def simulation_params(params: Params) -> Params:
    """The parameters changed to read simulated logs."""
    absent = dict.fromkeys(("sequence", "weight", "type"))
    columns = {"user": "user_id", "item": "item_id", "time": "timestamp", **absent}
    params["prepare"]["events"].update(
        files=["events/**/*.parquet"], format="parquet", columns=columns, time_format="epoch_s"
    )
    params["prepare"]["items"].update(
        files=["items/*.parquet"],
        format="parquet",
        columns={"item": "item_id", "title": "title", "others": []},
    )
    return params


def read_params(folder: Path) -> Params:
    """The params.yaml of a folder."""
    params: Params = YAML(typ="safe").load(folder / "params.yaml")
    return params


def write_params(run_dir: Path, params: Params) -> None:
    """Write params.yaml."""
    with (run_dir / "params.yaml").open("w") as stream:
        YAML(typ="safe").dump(params, stream)
