"""What one more event costs with step.onnx, beside the whole history; and whether both agree.

Run as: python -m benchmarks.step_cost [--items 12000] [--rounds 300] [--users 1000]
One thread, one process: an untrained narrow student (2 layers, width 128), its whole graph on
histories of 50 and its step graph on the 50th event behind a state of 49, in turns. Agreement is of
random histories, each of the last 20 events as a step, against the whole graph on all up to it, at
2,000 items. Seconds of the export and bytes of every part stand beside it. Results:
results/step-cost.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.neighbour_cost import LENGTH, OPSET, in_turns, student
from benchmarks.serving import serving_in_onnx
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.evaluation.timing import LIST_LENGTH
from slmrec.export.derived_graphs import fixed_list_graph, user_tower_graph
from slmrec.export.further_parts import FurtherParts
from slmrec.export.graph import MODEL_ALONE, export_graph
from slmrec.export.parity import scores_by_item, top_k
from slmrec.export.step_graph import step_graph
from slmrec.runtime.session import open_session, run_graph
from slmrec.runtime.stepper import run_step
from slmrec.studies.environment import machine

RESULT = RESULTS / "step-cost.json"
WIDTH = 128
BATCHES = (1, 32, 256)
AGREEMENT_ITEMS, LAST = 2_000, 20
AT_ONCE = 100  # users whose scores of all items are held at once


class Graphs:
    """The whole graph and the step graph of one student, opened on one thread."""

    def __init__(self, items: int) -> None:
        candidates = torch.arange(items + FIRST_ITEM) >= FIRST_ITEM
        model, started = student(items, WIDTH), time.perf_counter()
        whole = export_graph(model, candidates, OPSET)
        between = time.perf_counter()
        step = step_graph(model, candidates, OPSET, MODEL_ALONE)
        self.export_seconds = {"model": between - started, "step": time.perf_counter() - between}
        self.state_shape = FurtherParts({"step": step}).state_shape()
        parts = {
            "model": whole,
            "serve_fixed": fixed_list_graph(whole, 50),
            "user_tower": user_tower_graph(whole, WIDTH, False),
            "step": step,
        }
        self.bytes = {name: graph.ByteSize() for name, graph in parts.items()}
        self.bytes["item_vectors"] = items * (8 + 4 * WIDTH)
        self.whole = open_session(whole.SerializeToString(), "cpu", 1)
        self.step = open_session(step.SerializeToString(), "cpu", 1)

    def state_of(self, histories: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Items and states of users with these events (B, T)."""
        batch = len(histories)
        items = np.zeros((batch, self.state_shape[0]), np.int64)
        state = np.zeros((batch, *self.state_shape), np.float32)
        stepped = run_step(self.step, histories, histories[:, :0], 1, items, state)
        return stepped.items, stepped.state


def stepping(
    session: onnxruntime.InferenceSession,
    events: np.ndarray,
    items: np.ndarray,
    state: np.ndarray,
) -> Callable[[], None]:
    """Work that recommends ten items after one more event of each user."""

    def step() -> None:
        run_step(session, events, events[:, :0], LIST_LENGTH, items, state)

    return step


def latency(graphs: Graphs, items: int, rounds: int) -> dict[str, Any]:
    """Median milliseconds of a call at each batch size, and how many times cheaper a step is."""
    result: dict[str, Any] = {}
    for batch in BATCHES:
        rng = np.random.default_rng(batch)
        histories = rng.integers(FIRST_ITEM, items + FIRST_ITEM, (batch, LENGTH))
        before = graphs.state_of(histories[:, :-1])
        works = {
            "whole": serving_in_onnx(graphs.whole, [histories]),
            "step": stepping(graphs.step, histories[:, -1:], *before),
        }
        turns = max(10, rounds // batch)
        in_turns(works, max(2, turns // 10))
        medians = {name: float(np.median(s)) for name, s in in_turns(works, turns).items()}
        milliseconds = {name: 1000 * median for name, median in medians.items()}
        ratio = medians["whole"] / medians["step"]
        result[f"batch {batch}"] = {"milliseconds": milliseconds, "times cheaper": ratio}
        print(f"batch {batch}", milliseconds, f"{ratio:.2f} times cheaper", flush=True)
    return result


def agreement(graphs: Graphs, items: int, users: int) -> dict[str, float]:
    """Largest difference of scores, as a share of their spread, and the share of equal top tens."""
    rng = np.random.default_rng(3)
    largest, same, rows = 0.0, 0, 0
    whole = partial(run_graph, graphs.whole)
    for first in range(0, users, AT_ONCE):
        shape = (min(AT_ONCE, users - first), LENGTH)
        histories = rng.integers(FIRST_ITEM, items + FIRST_ITEM, shape)
        held, state = graphs.state_of(histories[:, : LENGTH - LAST])
        for stop in range(LENGTH - LAST + 1, LENGTH + 1):
            event, nothing = histories[:, stop - 1 : stop], histories[:, :0]
            stepped = run_step(graphs.step, event, nothing, items, held, state)
            held, state = stepped.items, stepped.state
            wanted = scores_by_item(whole(histories[:, :stop], nothing, items), items + FIRST_ITEM)
            found = scores_by_item(stepped.top, items + FIRST_ITEM)
            real = slice(FIRST_ITEM, None)
            spread = wanted[:, real].std(axis=1, keepdims=True)
            difference = np.abs(found[:, real] - wanted[:, real]) / spread
            largest = max(largest, float(difference.max()))
            tens = [top_k(scores, 10).items for scores in (wanted, found)]
            same += int((tens[0] == tens[1]).all(axis=1).sum())
            rows += len(histories)
    return {"rows": rows, "max_difference": largest, "same_top10": same / rows}


def main() -> None:
    """Measure, write the results and print them."""
    parser = new_parser(__doc__)
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--users", type=int, default=1000)
    p = parser.parse_args()
    graphs = Graphs(p.items)
    result = {
        "latency": latency(graphs, p.items, p.rounds),
        "bytes": graphs.bytes,
        "export_seconds": graphs.export_seconds,
        "state_bytes_a_user": 4 * int(np.prod(graphs.state_shape)) + 8 * graphs.state_shape[0],
        "agreement": agreement(Graphs(AGREEMENT_ITEMS), AGREEMENT_ITEMS, p.users),
        "measured_with": vars(p) | {"length": LENGTH} | machine(1, "torch", "onnxruntime-gpu"),
    }
    write_json(RESULT, result)
    print(RESULT.read_text(), end="")


if __name__ == "__main__":
    main()
