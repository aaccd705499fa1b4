"""Time and peak memory of a training step over catalogues of 10,000 to 1,000,000 items, for each loss.

Run as: python -m benchmarks.catalogue [--items 10000 100000 1000000] [--threads 1] Each measurement
is a process of its own, so that its peak is its own: a SASRec of width 128 takes some steps through
the real training loop, with a checkpoint. What is already in results/catalogue.json is not measured
again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from pydantic import TypeAdapter

from benchmarks.sets import windows_of
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json, write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.batches import Batch, make_batch
from slmrec.dataset.histories import Histories, Protocol, Targets
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.params.training import LossParams, TrainingParams
from slmrec.studies.environment import machine
from slmrec.training.loop import Loop, Run
from slmrec.training.losses.next_item import NextItemLoss

RESULTS = Path(__file__).parent / "results" / "catalogue.json"
WIDTH, LENGTH, USERS, POSITIONS = 128, 50, 2_000, 3_200
LOSSES: dict[str, dict[str, Any]] = {
    "sampled_softmax, touched rows": {
        "kind": "sampled_softmax",
        "negatives": 2048,
        "uniform_share": 0.5,
        "rows": "touched",
    },
    "sampled_softmax, all rows": {
        "kind": "sampled_softmax",
        "negatives": 2048,
        "uniform_share": 0.5,
        "rows": "all",
    },
    "gbce, touched rows": {
        "kind": "gbce",
        "negatives": 256,
        "calibration": 0.75,
        "rows": "touched",
    },
    "softmax": {"kind": "softmax", "scores_at_once": 8_000_000},
}
STEPS = {"softmax": 1}  # a full softmax over a million items takes minutes a step
MANY_STEPS = 8


def made_histories(users: int, length: int, window: int, items: int) -> Histories:
    """Items drawn with a long tail, `length` training positions a user in windows of at most `window`.

    Who follows whom does not matter to time or memory.
    """
    random = np.random.default_rng(1)
    events = users * (length + 1)
    drawn = FIRST_ITEM + (items * random.random(events) ** 3).astype(np.int64)
    rows = np.arange(users)
    windows = windows_of(np.full(users, length + 1), window)
    none = Targets(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    offsets = np.arange(users + 1) * (length + 1)
    protocol = Protocol("temporal", window, exclude_seen=True)
    return Histories(
        protocol,
        rows.astype(np.uint32),
        offsets,
        drawn,
        np.arange(events),
        windows,
        {"valid": none, "test": none},
    )


def training_params(loss: str) -> TrainingParams:
    """Parameters of the loop; of the numbers only positions_per_batch matters here."""
    return TrainingParams(
        epochs=1,
        positions_per_batch=POSITIONS,
        learning_rate=1e-3,
        warmup_steps=10,
        weight_decay=0.01,
        clip_norm=1.0,
        unknown_rate=0.01,
        loss=TypeAdapter(LossParams).validate_python(LOSSES[loss]),
        patience=1,
        validation_targets=1,
        checkpoint_seconds=3600,
    )


def training_loop(
    histories: Histories, items: int, width: int, p: TrainingParams, folder: Path
) -> Loop:
    """A SASRec of two layers about to be trained; every item may be a negative, drawn or not."""
    every = torch.ones(items + FIRST_ITEM, dtype=torch.bool)
    model = SASRec(
        ItemEmbedding(every, width, None, 0.0), 2, 2, 2 * width, 0.1, histories.protocol.max_length
    ).train()
    ranking = NextItemLoss(model.item_embedding, p.loss, histories)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {
            "ranking": ranking.loss(batch.at_real(model(batch.items)), batch.targets[batch.real])
        }

    return Loop(
        Run(
            "sasrec",
            model,
            objective,
            {"ranking": 1.0},
            lambda: 0.0,
            histories,
            p,
            1,
            Checkpoint(folder / "c.safetensors"),
        )
    )


def measure(items: int, loss: str, threads: int, folder: Path) -> dict[str, float]:
    """Seconds of a step after one that warms up, seconds of a checkpoint, and the peak of the whole process in MiB."""
    torch.set_num_threads(threads)
    histories = made_histories(USERS, LENGTH, LENGTH, items)
    loop = training_loop(histories, items, WIDTH, training_params(loss), folder)
    batches = [
        make_batch(histories, np.arange(first, first + POSITIONS // LENGTH))
        for first in range(0, 1000, POSITIONS // LENGTH)
    ]
    loop.take_step(batches[0])
    steps = STEPS.get(loss, MANY_STEPS)
    started, worked = time.perf_counter(), time.process_time()
    for batch in batches[1 : steps + 1]:
        loop.take_step(batch)
    # Processor seconds beside those of the clock: on a machine that is shared the clock measures
    # the neighbours.
    step = {
        "step_seconds": (time.perf_counter() - started) / steps,
        "step_processor_seconds": (time.process_time() - worked) / steps,
        "peak_mib_of_steps": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    started = time.perf_counter()
    loop.save()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**step, "checkpoint_seconds": time.perf_counter() - started, "peak_mib": round(peak)}


def main() -> None:
    """Measure what is missing, one process at a time, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="measure this loss for one size, print it as JSON")
    arguments = parser.parse_args()
    if arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            print(
                json.dumps(
                    measure(arguments.items[0], arguments.only, arguments.threads, Path(folder))
                )
            )
        return
    found = read_json(RESULTS) if RESULTS.is_file() else {"steps": {}}
    shape = {"width": WIDTH, "positions_per_batch": POSITIONS, "layers": 2, "losses": LOSSES}
    found["measured_with"] = shape | machine(arguments.threads, "torch")
    for items in sorted(arguments.items):
        for loss in LOSSES:
            key = f"{items} items, {loss}"
            if key not in found["steps"]:
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.catalogue",
                    "--items",
                    str(items),
                    "--threads",
                    str(arguments.threads),
                ]
                said = subprocess.run(
                    [*command, "--only", loss], check=True, capture_output=True, text=True
                ).stdout
                found["steps"][key] = json.loads(said.splitlines()[-1])
                print(key, found["steps"][key], flush=True)
                write_json(RESULTS, found)


if __name__ == "__main__":
    main()
