"""How an epoch's time grows with users, length of history and catalogue: numbers and a chart.

Run as: python -m benchmarks.scaling [--threads 1]
A SASRec of width 64 takes whole epochs through the real training loop; what is varied doubles or
more from point to point, all else stays. Processor seconds count, since the clock of a shared
machine measures the neighbours. Writes results/scaling.json and scaling.svg.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.catalogue_size import LOSSES, POSITIONS
from benchmarks.simulated_training import loop_params, new_trainer, simulate_histories
from benchmarks.stopwatch import Stopwatch
from slmrec.core.files import write_json
from slmrec.dataset.batches import make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.studies.environment import machine
from slmrec.studies.plots import Panel, lines_panel, write_picture
from slmrec.training.device import use_deterministic_kernels

WIDTH = 64
USUAL = {"users": 4_000, "length": 50, "window": 50, "items": 10_000}
LENGTHS = [12, 25, 50, 100, 200, 400]
# A point says what differs from USUAL; the first name in it is the chart's horizontal axis.
VARIED: dict[str, list[dict[str, int]]] = {
    "users": [{"users": users} for users in (1_000, 2_000, 4_000, 8_000, 16_000)],
    "length in windows of 50": [{"length": length} for length in LENGTHS],
    "length in one window": [{"length": length, "window": length} for length in LENGTHS],
    "items": [{"items": items} for items in (1_000, 10_000, 100_000, 1_000_000)],
}
LOSS = "sampled_softmax, touched rows"
WARM_UP = 3  # steps
Curve = dict[str, Any]


def epoch_seconds(users: int, length: int, window: int, items: int) -> float:
    """Processor seconds of one epoch."""
    histories = simulate_histories(users, length, window, items)
    p = loop_params(LOSSES[LOSS], POSITIONS)
    with tempfile.TemporaryDirectory() as folder:
        trainer = new_trainer(histories, items, WIDTH, p, Path(folder))
        batches = batches_of_epoch(histories, p.positions_per_batch, 1, 0)
        for windows in batches[:WARM_UP]:
            trainer.take_step(make_batch(histories, windows))
        stopwatch = Stopwatch()
        for windows in batches:
            trainer.take_step(make_batch(histories, windows))
        return stopwatch.read()["processor_seconds"]


def measure(changes: list[dict[str, int]]) -> Curve:
    """The seconds at each point, smallest first, and their growth over that of what is varied."""
    points: list[dict[str, float]] = [
        {**change, "seconds": epoch_seconds(**USUAL | change)} for change in changes
    ]
    return {"points": points, "growth_over_linear": growth_over_linear(points)}


def growth_over_linear(points: list[dict[str, float]]) -> float:
    """From the first point to the last; 1 when time grew as much as what was varied."""
    first, last, axis = points[0], points[-1], next(iter(points[0]))
    return last["seconds"] / first["seconds"] / (last[axis] / first[axis])


def panel(name: str, curve: Curve) -> Panel:
    """The chart of what `name` varies."""
    line = [(next(iter(point.values())), point["seconds"]) for point in curve["points"]]
    return lines_panel(f"processor seconds of an epoch by {name}", name, {LOSS: line}, {})


def main() -> None:
    """Measure every curve and write them."""
    parser = new_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    use_deterministic_kernels()
    curves: dict[str, Curve] = {}
    for name, changes in VARIED.items():
        curves[name] = measure(changes)
        print(name, curves[name], flush=True)
    shape = {"width": WIDTH, "layers": 2, "usual": USUAL, "loss": LOSS}
    measured_with = shape | machine(threads, "torch")
    write_json(RESULTS / "scaling.json", {**curves, "measured_with": measured_with})
    write_picture(RESULTS / "scaling.svg", [panel(*entry) for entry in curves.items()])


if __name__ == "__main__":
    main()
