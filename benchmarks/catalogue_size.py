"""Time and peak memory of a training step at 10,000 to 1,000,000 items, for each loss.

Run as: python -m benchmarks.catalogue_size [--items 10000 100000 1000000] [--threads 1]
Each measurement is a process of its own, so that its peak is its own: a SASRec of width 128 takes
some steps through the real training loop, with a checkpoint. What is already in
results/catalogue-size.json is not measured again.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.simulated_training import loop_params, new_trainer, simulate_histories
from benchmarks.stopwatch import Stopwatch
from slmrec.core.files import read_json, write_json
from slmrec.dataset.batches import make_batch
from slmrec.studies.environment import machine

RESULT = RESULTS / "catalogue-size.json"
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


def measure(items: int, loss: str, work_dir: Path) -> dict[str, float]:
    """Seconds of a step, seconds of a checkpoint, and the process's peaks in MiB.

    One step warms up and is not counted.
    """
    histories = simulate_histories(USERS, LENGTH, LENGTH, items)
    p = loop_params(LOSSES[loss], POSITIONS)
    trainer = new_trainer(histories, items, WIDTH, p, work_dir)
    windows = POSITIONS // LENGTH  # a batch
    steps = STEPS.get(loss, MANY_STEPS)
    warm_up, *batches = [
        make_batch(histories, np.arange(first, first + windows))
        for first in range(0, (steps + 1) * windows, windows)
    ]
    trainer.take_step(warm_up)
    stopwatch = Stopwatch()
    for batch in batches:
        trainer.take_step(batch)
    step, step_peak = stopwatch.read(), peak_mib()
    stopwatch = Stopwatch()
    trainer.save()
    return {
        "step_seconds": step["seconds"] / steps,
        "step_processor_seconds": step["processor_seconds"] / steps,
        "peak_mib_of_steps": step_peak,
        "checkpoint_seconds": stopwatch.read()["seconds"],
        "peak_mib": peak_mib(),
    }


def peak_mib() -> int:
    """The most resident memory that this process has had, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure_in_new_process(items: int, loss: str, threads: int) -> dict[str, float]:
    """`measure`, in a process whose peak memory is this measurement's alone."""
    command = [sys.executable, "-m", "benchmarks.catalogue_size", "--only", loss]
    command += ["--items", str(items), "--threads", str(threads)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


def measure_missing(sizes: list[int], threads: int) -> None:
    """Measure what the results lack, one process at a time, smallest catalogue first."""
    result = read_json(RESULT) if RESULT.is_file() else {"steps": {}}
    shape = {"width": WIDTH, "positions_per_batch": POSITIONS, "layers": 2, "losses": LOSSES}
    result["measured_with"] = shape | machine(threads, "torch")
    for items in sorted(sizes):
        for loss in LOSSES:
            key = f"{items} items, {loss}"
            if key not in result["steps"]:
                result["steps"][key] = measure_in_new_process(items, loss, threads)
                print(key, result["steps"][key], flush=True)
                write_json(RESULT, result)


def main() -> None:
    """Measure all that is missing, or, as a process of its own, one loss at one size."""
    parser = new_parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="measure this loss for one size, print it as JSON")
    arguments = parser.parse_args()
    if not arguments.only:
        measure_missing(arguments.items, arguments.threads)
        return
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(arguments.items[0], arguments.only, Path(folder))))


if __name__ == "__main__":
    main()
