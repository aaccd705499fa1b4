"""Preparation and splitting of simulated logs, in one run with pandas, RecTools and RecBole.

Run as: python -m benchmarks.preparation --sizes 1000000 10000000 [--peers pandas rectools recbole]
[--append 10000000] [--beauty SEQUENCES.txt]
Logs and the peers' virtual environments lie under .cache/; results/preparation.json is added to,
one entry a measurement.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import polars as pl

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.peer_runs import peer_python
from benchmarks.preparation_runs import (
    Figures,
    Params,
    in_project,
    new_run,
    read_params,
    run_measured,
    run_stage,
    simulated_logs,
    summarize,
    write_params,
)
from benchmarks.sequence_logs import write_logs
from slmrec.core.files import write_json
from slmrec.studies.environment import machine

RESULT = RESULTS / "preparation.json"
PEERS = ("pandas", "rectools", "recbole")


def measure_ours(size: int) -> Figures:
    """prepare + split with nothing in the cache, and the bytes that they leave on disk."""
    run_dir = new_run(f"ours-{size}", simulated_logs(size))
    prepare = run_stage(run_dir, "prepare", "data", "events", "champion", "data.json")
    split = run_stage(run_dir, "split", "events", "events", "histories")
    sizes = {name: folder_bytes(run_dir / name) for name in ("events", "histories", "cache")}
    parts = {"prepare": prepare, "split": split, "bytes": sizes}
    return summarize([prepare, split], size) | parts


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measure_peer(name: str, size: int) -> Figures:
    """A peer on the same logs, in the form it reads; making that form is not measured."""
    run_dir = new_run(f"{name}-{size}", simulated_logs(size))
    events = pl.scan_parquet(run_dir / "data" / "events", hive_partitioning=False)
    arguments = {"pandas": pandas_input, "rectools": rectools_input, "recbole": recbole_input}
    module = "pandas_histories" if name == "pandas" else f"{name}_dataset"
    python = sys.executable if name == "pandas" else str(peer_python(name))
    command = [python, "-m", f"benchmarks.peers.{module}", *arguments[name](events, run_dir)]
    return summarize([run_measured(command, run_dir, **in_project())], size)


def pandas_input(_events: pl.LazyFrame, _run_dir: Path) -> list[str]:
    """pandas reads the logs as they are."""
    return ["data/events", "out"]


def rectools_input(events: pl.LazyFrame, run_dir: Path) -> list[str]:
    """RecTools reads one CSV with dates."""
    time = pl.from_epoch("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S")
    events.select("user_id", "item_id", datetime=time, weight=pl.lit(1)).sink_csv(
        run_dir / "logs.csv"
    )
    return ["logs.csv"]


def recbole_input(events: pl.LazyFrame, run_dir: Path) -> list[str]:
    """RecBole reads an atomic file: tab-separated, types in the head."""
    (run_dir / "logs").mkdir()
    heads = {"user_id": "user_id:token", "item_id": "item_id:token", "timestamp": "timestamp:float"}
    events.select(list(heads)).rename(heads).sink_csv(
        run_dir / "logs" / "logs.inter", separator="\t"
    )
    return [".", "logs"]


def measure_append(size: int) -> Figures:
    """A full prepare of 364 days, then one that only has the 365th to add."""
    logs = simulated_logs(size)
    run_dir = new_run("append", logs)
    (run_dir / "data").unlink()
    shutil.copytree(logs, run_dir / "data", copy_function=os.link)
    last_day = sorted((run_dir / "data" / "events").iterdir())[-1]
    shutil.move(last_day, run_dir / "last")
    full = run_stage(run_dir, "prepare", "data", "events", "champion", "data.json")
    shutil.move(run_dir / "last", last_day)
    append = run_stage(run_dir, "prepare", "data", "events", "champion", "data.json")
    names = ("seconds", "processor_seconds")
    share = {name: round(append[name] / full[name], 4) for name in names}
    return {"full": full, "append": append, "share": share}


def measure_beauty(sequences: Path) -> Figures:
    """Leave-one-out on the paper's Beauty: the counts that it must reproduce.

    A line of `sequences` is a user and its items in order.
    """
    run_dir = new_run("beauty", sequences.parent)
    (run_dir / "data").unlink()
    (run_dir / "data").mkdir()
    write_logs(sequences, run_dir / "data" / "events.csv")
    write_params(run_dir, beauty_params(read_params(run_dir)))
    run_stage(run_dir, "prepare", "data", "events", "champion", "data.json")
    run_stage(run_dir, "split", "events", "events", "histories")
    names = ("data.json", "histories/summary.json")
    return {name: json.loads((run_dir / name).read_text()) for name in names}


def beauty_params(params: Params) -> Params:
    """The parameters with one CSV for the events, no table of items, and the paper's split."""
    params["prepare"]["events"].update(files=["*.csv"], format="csv")
    params["prepare"]["events"]["columns"] |= {"user": "user", "item": "item"}
    params["prepare"]["items"] = None
    params["split"]["method"] = "leave_one_out"
    return params


def record(name: str, figures: Figures) -> None:
    """Add one measurement to the results, with the load that the machine had beside it."""
    result = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    result["machine"] = machine(None, "polars", "pandas", "numpy", "pyarrow")
    result[name] = figures | {"load_before": round(os.getloadavg()[0], 1)}
    write_json(RESULT, result)
    print(name, json.dumps(figures), flush=True)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = new_parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    parser.add_argument("--peers", nargs="*", default=[], choices=PEERS)
    parser.add_argument("--append", type=int, nargs="*", default=[], metavar="SIZE")
    parser.add_argument("--beauty", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure what is asked for."""
    arguments = read_arguments()
    for size in arguments.sizes:
        simulated_logs(size)
        record(f"slmrec {size}", measure_ours(size))
        for peer in arguments.peers:
            record(f"{peer} {size}", measure_peer(peer, size))
    for size in arguments.append:
        record(f"append {size}", measure_append(size))
    if arguments.beauty:
        record("beauty", measure_beauty(arguments.beauty.resolve()))


if __name__ == "__main__":
    main()
