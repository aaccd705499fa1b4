"""SASRec here and in other libraries: the same events, shape, epochs and threads, in one run. Called by benchmarks/training.py.

Every model trains on all but each user's last item, for a fixed number of epochs, and is kept as
the last epoch left it. Each names ten items a user, out of those the user has not met, and one
function judges all lists. A peer runs in its own virtual environment .cache/peers/NAME, made
beforehand with the packages of the settings.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmarks.sets import Sequences, leave_one_out, read_sequences
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import write_json
from slmrec.core.progress import Progress
from slmrec.dataset.histories import Histories
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.ranking.metrics import gains
from slmrec.ranking.ranks import candidate_mask
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.embed_items import sasrec_run
from slmrec.studies.environment import machine
from slmrec.training.loop import Loop

PROJECT = Path(__file__).parent.parent
PEERS = ("rectools", "recbole", "replay")
USERS_AT_ONCE = 512
Measured = dict[str, Any]


def write_events(sequences: Sequences, folder: Path) -> None:
    """The events in the forms that peers read; the clock of an event is its place, so that every reader finds our order."""
    lengths = np.diff(sequences.offsets)
    events = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(len(lengths)), lengths),
            "item_id": sequences.items,
            "place": np.concatenate([np.arange(length) for length in lengths]),
            "last": np.concatenate([np.arange(length) == length - 1 for length in lengths]),
        }
    )
    moment = pl.from_epoch("place", time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    events.filter(~pl.col("last")).select(
        "user_id", "item_id", datetime=moment, weight=pl.lit(1)
    ).write_csv(folder / "train.csv")
    (folder / "events").mkdir(exist_ok=True)
    atomic = {"user_id": "user_id:token", "item_id": "item_id:token", "place": "timestamp:float"}
    events.select(list(atomic)).rename(atomic).write_csv(
        folder / "events" / "events.inter", separator="\t"
    )


def train_here(
    histories: Histories, items: int, p: EmbedItemsParams, folder: Path
) -> tuple[list[Measured], np.ndarray]:
    """Seconds of each epoch, and ten items a user.  # (U, 10)"""
    model, run = sasrec_run(
        histories, None, items, p, torch.device("cpu"), Checkpoint(folder / "here.safetensors")
    )
    loop = Loop(
        dataclasses.replace(run, validate=itertools.count().__next__)
    )  # nothing is held out to choose an epoch by
    epochs = []
    with Progress("slmrec", loop.total_steps) as progress:
        while loop.state.epoch < p.training.epochs:
            started, worked = time.perf_counter(), time.process_time()
            loop.finish_epoch(progress)
            epochs.append(
                {
                    "seconds": time.perf_counter() - started,
                    "processor_seconds": time.process_time() - worked,
                }
            )
    model.eval()
    scorer, candidates = ModelScorer(model, histories), candidate_mask(items, histories.items)
    stops = np.diff(histories.offsets) - 1
    lists = []
    for rows in np.array_split(np.arange(len(stops)), -(-len(stops) // USERS_AT_ONCE)):
        scores = scorer.score(rows, stops[rows])  # (b, I)
        scores[:, ~candidates] = -torch.inf
        for line, row in enumerate(rows):
            scores[line, torch.from_numpy(histories.history(row, 0, stops[row]))] = -torch.inf
        lists.append(scores.topk(10, dim=1).indices.numpy())
    return epochs, np.concatenate(lists)


def train_peer(name: str, folder: Path, users: int) -> tuple[list[Measured], np.ndarray]:
    """The same of a peer, in a process of its own; 0 stands where a list is short.  # (U, 10)"""
    python = PROJECT / ".cache" / "peers" / name / "bin" / "python"
    source = folder if name == "recbole" else folder / "train.csv"
    recommended = folder / f"{name}.csv"
    command = [
        python,
        Path(__file__).parent / "peers" / f"{name}_sasrec.py",
        source,
        folder / "settings.json",
        recommended,
    ]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    lists = np.zeros((users, 10), dtype=np.int64)
    with recommended.open() as stream:
        for row in csv.DictReader(stream):
            lists[int(row["user_id"]), int(row["rank"]) - 1] = int(row["item_id"])
    epochs: list[Measured] = json.loads(said.splitlines()[-1])
    return epochs, lists


def judged(lists: np.ndarray, wanted: np.ndarray) -> Measured:
    """Mean over users: wanted (U,) is each user's last item, lists (U, 10)."""
    found = lists == wanted[:, None]
    ranks = np.where(found.any(axis=1), found.argmax(axis=1) + 1, 11)
    return {name: float(gains(ranks, name).mean()) for name in ("hr@10", "ndcg@10")}


def beside(name: str, data: Path, settings: dict[str, Any], peers: list[str], threads: int) -> None:
    """Measure ours and each peer, ours first and last; write results/beside-NAME-EPOCHS-epochs.json."""
    folder = PROJECT / ".cache" / "benchmarks" / f"beside-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    p = EmbedItemsParams.model_validate(
        {key: value for key, value in settings.items() if key != "max_length"}
    )
    sequences = read_sequences(data / name)
    histories = leave_one_out(sequences, settings["max_length"], held_out=1)
    wanted = histories.items[histories.offsets[1:] - 1]
    write_events(sequences, folder)
    shape = {
        "width": p.width,
        "layers": p.layers,
        "heads": p.heads,
        "max_length": settings["max_length"],
    }
    write_json(
        folder / "settings.json",
        {**shape, "epochs": p.training.epochs, "seed": p.seed, "threads": threads},
    )
    measured: Measured = {}

    def note(who: str, epochs: list[Measured], lists: np.ndarray) -> None:
        medians = {
            key: statistics.median(epoch[key] for epoch in epochs)
            for key in ("seconds", "processor_seconds")
        }
        measured[who] = {"epochs": len(epochs), "per_epoch": medians, "test": judged(lists, wanted)}
        print(who, json.dumps(measured[who]), file=sys.stderr, flush=True)

    note("slmrec", *_fresh(histories, sequences.rows, p, folder))
    for peer in peers:
        note(peer, *train_peer(peer, folder, len(wanted)))
    note("slmrec again", *_fresh(histories, sequences.rows, p, folder))
    times_less = {
        peer: {
            key: seconds / measured["slmrec"]["per_epoch"][key]
            for key, seconds in measured[peer]["per_epoch"].items()
        }
        for peer in peers
    }
    result = {"models": measured, "times_less_per_epoch": times_less, "settings": settings}
    versions = {peer: _installed(peer) for peer in peers}
    made_with = machine(threads, "torch", "numpy", "accelerate") | {"peers": versions}
    write_json(
        PROJECT / "benchmarks" / "results" / f"beside-{name}-{p.training.epochs}-epochs.json",
        result | {"measured_with": made_with},
    )


def _fresh(
    histories: Histories, items: int, p: EmbedItemsParams, folder: Path
) -> tuple[list[Measured], np.ndarray]:
    (folder / "here.safetensors").unlink(missing_ok=True)
    return train_here(histories, items, p, folder)


def _installed(peer: str) -> list[str]:
    """The versions that matter, as pip names them."""
    pip = [str(PROJECT / ".cache" / "peers" / peer / "bin" / "pip"), "freeze"]
    lines = subprocess.run(pip, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [
        line
        for line in lines
        if line.lower().startswith(
            (peer, "torch==", "numpy==", "lightning==", "pytorch-lightning==")
        )
    ]
