"""What other libraries are given to train on, and what they give back.

A peer is a script in benchmarks/peers; it runs in a virtual environment of its library,
.cache/peers/NAME, which a person makes beforehand.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.arguments import PROJECT
from benchmarks.datasets import Sequences

PEERS = ("rectools", "recbole", "replay")
LIST_LENGTH = 10
Epochs = list[dict[str, float]]  # seconds of each, by the clock and of the processor


def write_events(sequences: Sequences, work_dir: Path) -> None:
    """The events in the forms that peers read.

    train.csv holds all but each user's last event; events/events.inter, RecBole's atomic file, all
    of them. The time of an event is its place, so that every reader finds our order.
    """
    lengths = np.diff(sequences.offsets)
    events = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(len(lengths)), lengths),
            "item_id": sequences.items,
            "place": np.concatenate([np.arange(length) for length in lengths]),
            "last": np.concatenate([np.arange(length) == length - 1 for length in lengths]),
        }
    )
    time = pl.from_epoch("place", time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    events.filter(~pl.col("last")).select(
        "user_id", "item_id", datetime=time, weight=pl.lit(1)
    ).write_csv(work_dir / "train.csv")
    (work_dir / "events").mkdir(exist_ok=True)
    atomic = {"user_id": "user_id:token", "item_id": "item_id:token", "place": "timestamp:float"}
    events.select(list(atomic)).rename(atomic).write_csv(
        work_dir / "events" / "events.inter", separator="\t"
    )


def train_peer(name: str, work_dir: Path, users: int) -> tuple[Epochs, np.ndarray]:
    """Seconds of each epoch and ten items a user, from a peer in a process of its own.  # (U, 10)

    0 stands where a list is short.
    """
    recommended = work_dir / f"{name}.csv"
    events = work_dir if name == "recbole" else work_dir / "train.csv"
    arguments = map(str, (events, work_dir / "settings.json", recommended))
    command = [str(peer_python(name)), "-m", f"benchmarks.peers.{name}_sasrec", *arguments]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    output = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=work_dir, env=environment
    ).stdout
    epochs: Epochs = json.loads(output.splitlines()[-1])
    return epochs, read_lists(recommended, users)


def read_lists(path: Path, users: int) -> np.ndarray:
    """What a peer recommends: a CSV of user_id, item_id, rank; ranks count from 1.  # (U, 10)"""
    lists = np.zeros((users, LIST_LENGTH), dtype=np.int64)
    with path.open() as stream:
        for row in csv.DictReader(stream):
            lists[int(row["user_id"]), int(row["rank"]) - 1] = int(row["item_id"])
    return lists


def peer_python(name: str) -> Path:
    """The python of a peer's own virtual environment."""
    return PROJECT / ".cache" / "peers" / name / "bin" / "python"


def installed_versions(peer: str) -> list[str]:
    """The versions in a peer's environment that matter, as pip names them."""
    command = [str(peer_python(peer)), "-m", "pip", "freeze"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    named = (peer, "torch==", "numpy==", "lightning==", "pytorch-lightning==")
    return [line for line in lines.splitlines() if line.lower().startswith(named)]
