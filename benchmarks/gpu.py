"""What a GPU is worth: serving and training on CUDA beside the CPU, in one run.

Run as: make gpu, which runs the tests marked gpu first; or
python -m benchmarks.gpu [--items 12000] [--rounds 100] [--devices cpu cuda]
An untrained narrow student (2 layers, width 128) serves batches of histories of 50 items: as
Recommender calls the graph, with inputs and outputs bound to the device (IO binding), and on CUDA
in fp16 and as a CUDA graph of fixed shape, too. Then a SASRec of width 128 takes training steps,
in fp32 and bf16. The answers of every way are held against those of the CPU: what differs is no
figure. Results: results/gpu.json.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.neighbour_cost import LENGTH, OPSET, in_turns, student
from benchmarks.simulated_training import loop_params, new_trainer, simulate_histories
from benchmarks.stopwatch import Stopwatch
from slmrec.core.errors import UnavailableError
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.batches import make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.dataset.histories import Histories
from slmrec.evaluation.timing import LIST_LENGTH
from slmrec.export.derived_graphs import fixed_list_graph
from slmrec.export.graph import export_graph
from slmrec.export.precisions import to_fp16
from slmrec.params.compute import ComputeParams
from slmrec.runtime.session import PROVIDER_OPTIONS, PROVIDERS, graph_errors, open_session
from slmrec.studies.environment import machine
from slmrec.training.device import start_torch

RESULT = RESULTS / "gpu.json"
WIDTH, BATCHES = 128, (1, 32, 256)
# Of lists of ten, the share that may differ from the CPU's: near-ties that other sums turn round.
FEWEST_SAME = {"fp32": 0.999, "fp16": 0.95}
LOSS = {"kind": "softmax", "scores_at_once": 8_000_000}
USERS, POSITIONS, STEPS = 1_500, 3_200, 20
Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16", "fp16"]
# A CPU's bf16 is another matter: not every one multiplies in it.
PRECISIONS: dict[Device, tuple[Precision, ...]] = {
    "cpu": ("fp32",),
    "cuda": ("fp32", "bf16", "fp16"),
}
Row = dict[str, Any]
Serve = Callable[[np.ndarray], np.ndarray]  # histories (B, T) int64 -> items (B, 10)


class Bound:
    """A fixed-list graph whose inputs and outputs stay on the device between calls."""

    def __init__(self, session: ort.InferenceSession, device: str) -> None:
        self.session, self.device = session, device
        self.binding = session.io_binding()
        self.inputs: dict[str, ort.OrtValue] = {}

    def __call__(self, history: np.ndarray) -> np.ndarray:
        """Items (B, 10) of histories (B, T), nothing excluded but themselves."""
        for name in ("history", "exclude"):
            if name not in self.inputs or self.inputs[name].shape() != list(history.shape):
                value = ort.OrtValue.ortvalue_from_numpy(history, self.device, 0)
                self.inputs[name] = value
                self.binding.bind_ortvalue_input(name, value)
                for output in ("items", "scores"):
                    self.binding.bind_output(output, self.device, 0)
            self.inputs[name].update_inplace(history)
        self.session.run_with_iobinding(self.binding)
        items: np.ndarray = self.binding.get_outputs()[0].numpy()
        return items


class Captured:
    """The same as a CUDA graph: shapes are fixed, and a call replays what the first one did."""

    def __init__(self, graph: bytes, rows: int) -> None:
        model = onnx.load_from_string(graph)
        for name, size in (("batch", rows), ("time", LENGTH), ("excluded", LENGTH)):
            make_dim_param_fixed(model.graph, name, size)
        options = PROVIDER_OPTIONS["cuda"] | {"enable_cuda_graph": "1"}
        provider = (PROVIDERS["cuda"], options)
        session = ort.InferenceSession(model.SerializeToString(), providers=[provider])
        shape = (rows, LIST_LENGTH)
        self.items = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.int64, "cuda", 0)
        self.scores = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, "cuda", 0)
        self.history = ort.OrtValue.ortvalue_from_shape_and_type(
            (rows, LENGTH), np.int64, "cuda", 0
        )
        self.session, self.binding = session, session.io_binding()
        for name in ("history", "exclude"):
            self.binding.bind_ortvalue_input(name, self.history)
        self.binding.bind_ortvalue_output("items", self.items)
        self.binding.bind_ortvalue_output("scores", self.scores)

    def __call__(self, history: np.ndarray) -> np.ndarray:
        """Items (B, 10) of histories of the fixed shape."""
        self.history.update_inplace(history)
        self.session.run_with_iobinding(self.binding)
        items: np.ndarray = self.items.numpy()
        return items


def ways_to_serve(graph: bytes, half: bytes, device: Device, rows: int) -> dict[str, Serve | str]:
    """How a fixed-list graph may be called on a device; or why it may not, in a line."""
    session = open_session(graph, device, None if device == "cuda" else 1)

    def plain(history: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run(["items"], {"history": history, "exclude": history})[0]
        return found

    ways: dict[str, Serve | str] = {"fp32": plain, "fp32, bound": Bound(session, device)}
    if device == "cuda":
        ways["fp16, bound"] = Bound(open_session(half, device, None), device)
        try:
            ways["fp32, CUDA graph"] = Captured(graph, rows)
        except graph_errors() as error:  # some of its operators run on the CPU, say
            ways["fp32, CUDA graph"] = " ".join(str(error).split())[:300]
    return ways


def measure_serving(items: int, rounds: int, devices: list[Device]) -> list[Row]:
    """What each way takes by batch size, all in turns, and the share of the CPU's lists."""
    model = student(items, WIDTH)
    whole = export_graph(model, torch.arange(items + FIRST_ITEM) >= FIRST_ITEM, OPSET)
    fixed = fixed_list_graph(whole, LIST_LENGTH)
    graph, half = fixed.SerializeToString(), to_fp16(fixed).SerializeToString()
    random, table = np.random.default_rng(1), []
    for batch in BATCHES:
        history = random.integers(FIRST_ITEM, items + FIRST_ITEM, (batch, LENGTH))
        ways = {
            (device, way): serve
            for device in devices
            for way, serve in ways_to_serve(graph, half, device, batch).items()
        }
        table += _in_turns(ways, open_session(graph, "cpu", 1), history, rounds)
    return table


def _in_turns(
    ways: Mapping[tuple[Device, str], Serve | str],
    reference: ort.InferenceSession,
    history: np.ndarray,
    rounds: int,
) -> list[Row]:
    (lists,) = reference.run(["items"], {"history": history, "exclude": history})
    table: dict[str, Row] = {}
    works: dict[str, Callable[[], None]] = {}
    for (device, way), serve in ways.items():
        row = table[f"{device} {way}"] = {"device": device, "way": way, "batch": len(history)}
        if isinstance(serve, str):
            row["refused"] = serve
            continue
        row["same_lists"] = float((serve(history) == lists).all(axis=1).mean())
        if row["same_lists"] < FEWEST_SAME[way[:4]]:
            row["refused"] = "its lists are not the CPU's"
            continue
        works[f"{device} {way}"] = partial(_call, serve, history)
    for name, seconds in in_turns(works, rounds).items():
        median = float(np.median(seconds))
        table[name] |= {"p50_ms": 1000 * median, "users_per_second": len(history) / median}
    for row in table.values():
        print(row, flush=True)
    return list(table.values())


def _call(serve: Serve, history: np.ndarray) -> None:
    serve(history)


def measure_training(items: int, devices: list[Device]) -> list[Row]:
    """Seconds of a training step by device and precision."""
    histories = simulate_histories(USERS, LENGTH, LENGTH, items)
    rows = []
    for device in devices:
        for precision in PRECISIONS[device]:
            seconds = step_seconds(histories, items, device, precision)
            rows.append({"device": device, "precision": precision, "step_seconds": seconds})
            print(rows[-1], flush=True)
    return rows


def step_seconds(histories: Histories, items: int, device: Device, precision: Precision) -> float:
    """Seconds of a step, mean over STEPS of them."""
    where = start_torch(ComputeParams(device=device, threads=1, processes=1, precision=precision))
    p = loop_params(LOSS, POSITIONS)
    with tempfile.TemporaryDirectory() as folder:
        trainer = new_trainer(histories, items, WIDTH, p, Path(folder), where)
        warm_up, *batches = batches_of_epoch(histories, POSITIONS, 1, 0)[: STEPS + 1]
        trainer.take_step(make_batch(histories, warm_up))
        _wait_for(where)
        stopwatch = Stopwatch()
        for windows in batches:
            trainer.take_step(make_batch(histories, windows))
        _wait_for(where)
    return stopwatch.read()["seconds"] / len(batches)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure both on every device, and write them."""
    parser = new_parser(__doc__)
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--devices", nargs="+", choices=["cpu", "cuda"], default=["cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if "cuda" in arguments.devices and not torch.cuda.is_available():
        print("gpu: torch sees no GPU, and a GPU is what is measured here", file=sys.stderr)
        sys.exit(UnavailableError.exit_code)
    result = {
        "serving": measure_serving(arguments.items, arguments.rounds, arguments.devices),
        "training": measure_training(arguments.items, arguments.devices),
    }
    name = torch.cuda.get_device_name() if "cuda" in arguments.devices else None
    shape = {"items": arguments.items, "length": LENGTH, "gpu": name}
    write_json(arguments.out, result | {"measured_with": shape | machine(1, "torch")})


if __name__ == "__main__":
    main()
