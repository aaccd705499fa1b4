"""How the time of a training epoch grows with users, length of history and catalogue: a chart and its numbers.

Run as: python -m benchmarks.growth [--threads 1] A SASRec of width 64 takes whole epochs through
the real training loop; what is varied doubles or more from point to point, all else stays.
Processor seconds count, since the clock of a shared machine measures the neighbours. Writes
results/growth.json and growth.svg.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from benchmarks.catalogue import made_histories, training_loop, training_params
from slmrec.core.files import write_json
from slmrec.dataset.batches import batches_of_epoch, make_batch
from slmrec.studies.environment import machine
from slmrec.studies.plots import lines_panel, write_picture
from slmrec.training.device import use_deterministic_kernels

RESULTS = Path(__file__).parent / "results"
WIDTH = 64
USUAL = {"users": 4_000, "length": 50, "window": 50, "items": 10_000}
LENGTHS = [12, 25, 50, 100, 200, 400]
VARIED = {  # a point says what is unlike USUAL; the first name of each is what it is drawn against
    "users": [{"users": users} for users in (1_000, 2_000, 4_000, 8_000, 16_000)],
    "length in windows of 50": [{"length": length} for length in LENGTHS],
    "length in one window": [{"length": length, "window": length} for length in LENGTHS],
    "items": [{"items": items} for items in (1_000, 10_000, 100_000, 1_000_000)],
}
LOSS = "sampled_softmax, touched rows"
WARM_UP = 3  # steps


def epoch_seconds(users: int, length: int, window: int, items: int) -> float:
    """Processor seconds of one epoch."""
    histories, p = made_histories(users, length, window, items), training_params(LOSS)
    with tempfile.TemporaryDirectory() as folder:
        loop = training_loop(histories, items, WIDTH, p, Path(folder))
        batches = batches_of_epoch(histories, p.positions_per_batch, 1, 0)
        for rows in batches[:WARM_UP]:
            loop.take_step(make_batch(histories, rows))
        worked = time.process_time()
        for rows in batches:
            loop.take_step(make_batch(histories, rows))
        return time.process_time() - worked


def main() -> None:
    """Measure every point, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    use_deterministic_kernels()
    found: dict[str, Any] = {}
    for name, changes in VARIED.items():
        points = [{**changed, "seconds": epoch_seconds(**USUAL | changed)} for changed in changes]
        first, last, axis = points[0], points[-1], next(iter(changes[0]))
        # 1 is linear: time grew as much as what was varied.
        found[name] = {
            "points": points,
            "growth_over_linear": last["seconds"] / first["seconds"] / (last[axis] / first[axis]),
        }
        print(name, found[name], flush=True)
    shape = {"width": WIDTH, "layers": 2, "usual": USUAL, "loss": LOSS}
    write_json(
        RESULTS / "growth.json", {**found, "measured_with": shape | machine(threads, "torch")}
    )
    panels = [
        lines_panel(
            f"processor seconds of an epoch by {name}",
            name,
            {LOSS: [(next(iter(p.values())), p["seconds"]) for p in at["points"]]},
            {},
        )
        for name, at in found.items()
    ]
    write_picture(RESULTS / "growth.svg", panels)


if __name__ == "__main__":
    main()
