"""Preparation and splitting over simulated logs of growing size, beside pandas, RecTools and RecBole in one run.

Run as: python -m benchmarks.data --sizes 1000000 10000000 [--peers pandas rectools recbole]
[--append] [--beauty SEQUENCES.txt] Logs and the peers' virtual environments lie under .cache/;
results/data.json is added to, one entry a measurement.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from slmrec.core.files import write_json
from slmrec.demo.simulation import simulate
from slmrec.studies.environment import machine

PROJECT = Path(__file__).parent.parent
RESULTS = PROJECT / "benchmarks" / "results" / "data.json"
PEERS = PROJECT / "benchmarks" / "peers"
HOME = PROJECT / ".cache" / "benchmark-data"
EVENTS_PER_USER = 50
SEED = 1
Measured = dict[str, Any]


def measured(command: list[str], home: Path, **environment: str) -> Measured:
    """Run a command to its end: wall and processor seconds, and its peak of resident memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=home, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit_code": process.returncode,
        "seconds": round(time.perf_counter() - started, 2),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": usage.ru_maxrss // 1024,
    }


def logs_of(size: int) -> Path:
    """Simulated logs of a size, made once."""
    home = HOME / f"events-{size}"
    if not home.is_dir():
        simulate(size // EVENTS_PER_USER, size, SEED, home)
    return home


def write_params(home: Path, **split: Any) -> None:
    """The project's params for simulated logs."""
    whole = YAML(typ="safe").load(PROJECT / "params.yaml")
    columns = {
        "user": "user_id",
        "item": "item_id",
        "time": "timestamp",
        "sequence": None,
        "weight": None,
        "type": None,
    }
    whole["prepare"]["events"].update(
        files=["events/**/*.parquet"], format="parquet", columns=columns, time_format="epoch_s"
    )
    titles = {"item": "item_id", "title": "title", "others": []}
    whole["prepare"]["items"] = {
        "files": ["items/*.parquet"],
        "format": "parquet",
        "delimiter": None,
        "columns": titles,
    }
    whole["split"].update(split)
    with (home / "params.yaml").open("w") as stream:
        YAML(typ="safe").dump(whole, stream)


def workplace(name: str, data: Path) -> Path:
    """An empty folder with params.yaml, and data/ as a link to the logs."""
    home = HOME / "runs" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    write_params(home)
    (home / "data").symlink_to(data)
    return home


def stage(home: Path, name: str, *words: str) -> Measured:
    """One stage in a process of its own, its cache below `home`."""
    command = [sys.executable, "-m", f"slmrec.stages.{name}", *words]
    return measured(command, home, PYTHONPATH=str(PROJECT), SLMREC_CACHE=str(home / "cache"))


def measure_ours(size: int) -> Measured:
    """prepare + split with nothing in the cache, and what they leave on disk."""
    home = workplace(f"ours-{size}", logs_of(size))
    prepare = stage(home, "prepare", "data", "events", "data.json")
    split = stage(home, "split", "events", "events", "histories")
    left = {
        name: sum(file.stat().st_size for file in (home / name).rglob("*") if file.is_file())
        for name in ("events", "histories", "cache")
    }
    return _joined([prepare, split], size) | {"prepare": prepare, "split": split, "bytes": left}


def _joined(parts: list[Measured], size: int) -> Measured:
    seconds, processor = (
        sum(part[name] for part in parts) for name in ("seconds", "processor_seconds")
    )
    return {
        "exit_code": max(part["exit_code"] for part in parts),
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "events_per_second": round(size / seconds),
        "events_per_processor_second": round(size / processor),
        "peak_mib": max(part["peak_mib"] for part in parts),
    }


def measure_peer(name: str, size: int) -> Measured:
    """A peer on the same logs, in the form it reads; making that form is not measured."""
    logs = logs_of(size)
    home = workplace(f"{name}-{size}", logs)
    if name == "pandas":
        command = [sys.executable, str(PEERS / "pandas_histories.py"), str(logs / "events"), "out"]
        return _joined([measured(command, home)], size)
    python = str(PROJECT / ".cache" / "peers" / name / "bin" / "python")
    events = pl.scan_parquet(logs / "events", hive_partitioning=False)
    if name == "rectools":
        moment = pl.from_epoch("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S")
        events.select("user_id", "item_id", datetime=moment, weight=pl.lit(1)).sink_csv(
            home / "logs.csv"
        )
        command = [python, str(PEERS / "rectools_dataset.py"), "logs.csv"]
    else:
        (home / "logs").mkdir()
        typed = {
            "user_id": "user_id:token",
            "item_id": "item_id:token",
            "timestamp": "timestamp:float",
        }
        events.select(list(typed)).rename(typed).sink_csv(
            home / "logs" / "logs.inter", separator="\t"
        )
        command = [python, str(PEERS / "recbole_dataset.py"), ".", "logs"]
    return _joined([measured(command, home)], size)


def measure_append(size: int) -> Measured:
    """A full prepare of 364 days, then one that only has the 365th to add."""
    logs = logs_of(size)
    home = workplace("append", logs)
    (home / "data").unlink()
    shutil.copytree(logs, home / "data", copy_function=os.link)
    last = sorted((home / "data" / "events").iterdir())[-1]
    shutil.move(last, home / "last")
    whole = stage(home, "prepare", "data", "events", "data.json")
    shutil.move(home / "last", last)
    added = stage(home, "prepare", "data", "events", "data.json")
    shares = {
        name: round(added[name] / whole[name], 4) for name in ("seconds", "processor_seconds")
    }
    return {"full": whole, "append": added, "share": shares}


def measure_beauty(sequences: Path) -> Measured:
    """Leave-one-out on the paper's Beauty (a line is a user and its items in order): the counts it must reproduce."""
    home = workplace("beauty", sequences.parent)
    (home / "data").unlink()
    (home / "data").mkdir()
    with sequences.open() as lines, (home / "data" / "events.csv").open("w") as events:
        events.write("user_id,item_id,timestamp\n")
        for line in lines:
            user, *items = line.split()
            events.writelines(
                f"{user},{item},{1_000_000_000 + place}\n" for place, item in enumerate(items)
            )
    whole = YAML(typ="safe").load(home / "params.yaml")
    whole["prepare"]["events"].update(files=["*.csv"], format="csv")
    whole["prepare"]["items"] = None
    whole["split"]["method"] = "leave_one_out"
    with (home / "params.yaml").open("w") as stream:
        YAML(typ="safe").dump(whole, stream)
    stage(home, "prepare", "data", "events", "data.json")
    stage(home, "split", "events", "events", "histories")
    found: Measured = {
        name: json.loads((home / name).read_text())
        for name in ("data.json", "histories/summary.json")
    }
    return found


def record(name: str, value: Measured) -> None:
    """Add one measurement to the results, with the load the machine had beside it."""
    whole = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    whole["machine"] = machine(None, "polars", "pandas", "numpy", "pyarrow")
    whole[name] = value | {"load_before": round(os.getloadavg()[0], 1)}
    write_json(RESULTS, whole)
    print(name, json.dumps(value), flush=True)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    parser.add_argument("--peers", nargs="*", default=[], choices=["pandas", "rectools", "recbole"])
    parser.add_argument("--append", type=int, nargs="*", default=[])
    parser.add_argument("--beauty", type=Path)
    asked = parser.parse_args()
    for size in asked.sizes:
        logs_of(size)
        record(f"slmrec {size}", measure_ours(size))
        for peer in asked.peers:
            record(f"{peer} {size}", measure_peer(peer, size))
    for size in asked.append:
        record(f"append {size}", measure_append(size))
    if asked.beauty:
        record("beauty", measure_beauty(asked.beauty.resolve()))


if __name__ == "__main__":
    main()
