"""Where the time of a call goes in fp32 and in int8, operator by operator.

Run as: python -m benchmarks.int8_profile [--items 12000] [--batch 32] [--rounds 100]
The random bundle's graph and its int8 graph, one thread, histories as long as are read: whole
calls in turns, and onnxruntime's own profile of other calls in turns, summed by operator, lower
quartiles of both. Results: results/int8-profile.json.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.neighbour_cost import in_turns
from benchmarks.random_bundle import LENGTH, write_random_bundle
from benchmarks.serving import serving_in_onnx
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.precisions import to_int8
from slmrec.runtime.session import open_session
from slmrec.studies.environment import machine

RESULT = RESULTS / "int8-profile.json"
# What int8 makes faster, under the names that onnxruntime's fusions give it.
PRODUCTS = frozenset(
    ("MatMul", "Gemm", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulInteger")
)

Profiles = dict[str, dict[str, float]]  # milliseconds by graph and operator


def profiling_session(graph: bytes, prefix: Path) -> onnxruntime.InferenceSession:
    """A session on one thread that writes its profile into a file of that prefix."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = str(prefix)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def profiles(graphs: dict[str, bytes], history: np.ndarray, rounds: int) -> Profiles:
    """Milliseconds of a call by operator, as onnxruntime optimised each graph; largest first.

    The graphs are called in turns. The products of attention, which stay in fp32, are called
    "MatMul (attention)": their right side is no weight.
    """
    with tempfile.TemporaryDirectory() as folder:
        sessions = {
            name: profiling_session(graph, Path(folder) / name) for name, graph in graphs.items()
        }
        works = {name: serving_in_onnx(session, [history]) for name, session in sessions.items()}
        in_turns(works, rounds)
        return {
            name: by_operator(json.loads(Path(session.end_profiling()).read_text()))
            for name, session in sessions.items()
        }


def by_operator(events: list[dict[str, Any]]) -> dict[str, float]:
    """Milliseconds of a call in each operator, of a profile's events."""
    runs: dict[tuple[str, str], list[int]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            runs.setdefault((operator(event["args"]), event["name"]), []).append(event["dur"])
    spent: dict[str, float] = {}
    for (name, _node), microseconds in runs.items():
        # A node's lower quartile: on a shared machine a mean holds what others did meanwhile.
        spent[name] = spent.get(name, 0.0) + float(np.quantile(microseconds, 0.25)) / 1000
    return dict(sorted(spent.items(), key=lambda entry: -entry[1]))


def operator(node: dict[str, Any]) -> str:
    """The operator of a profiled node; a product of two computed values is told apart."""
    name = str(node["op_name"])
    shapes = [shape for typed in node["input_type_shape"] for shape in typed.values()]
    if name in ("MatMul", "FusedMatMul") and all(len(shape) == 4 for shape in shapes[:2]):
        return "MatMul (attention)"
    return name


def summary(fp32: dict[str, float], int8: dict[str, float]) -> dict[str, float]:
    """Milliseconds of products with weights and of the rest, and what bounds the gain.

    `bound` is what would be gained if products and the quantisation cost nothing.
    """
    parts = {}
    for name, spent in (("fp32", fp32), ("int8", int8)):
        parts[f"{name}_products"] = sum(spent[key] for key in spent if key in PRODUCTS)
        parts[f"{name}_rest"] = sum(spent.values()) - parts[f"{name}_products"]
    return parts | {
        "products_times_as_fast": parts["fp32_products"] / parts["int8_products"],
        "bound": sum(fp32.values()) / parts["fp32_rest"],
    }


def measure(graph: onnx.ModelProto, items: int, batch: int, rounds: int) -> dict[str, Any]:
    """The profiles of a graph of so many items and of its int8 graph, and whole calls in turns."""
    graphs = {"fp32": graph.SerializeToString(), "int8": to_int8(graph).SerializeToString()}
    rng = np.random.default_rng(1)
    history = rng.integers(FIRST_ITEM, items + FIRST_ITEM, (batch, LENGTH))
    works = {
        name: serving_in_onnx(open_session(data, "cpu", 1), [history])
        for name, data in graphs.items()
    }
    in_turns(works, max(2, rounds // 10))  # not counted
    seconds = {
        name: float(np.quantile(each, 0.25)) for name, each in in_turns(works, rounds).items()
    }
    found = profiles(graphs, history, rounds)
    return {
        "call_milliseconds": {name: 1000 * value for name, value in seconds.items()},
        "times_as_fast": seconds["fp32"] / seconds["int8"],
        "operator_milliseconds": found,
        "summary": summary(found["fp32"], found["int8"]),
    }


def main() -> None:
    """Measure, write the results and print them."""
    parser = new_parser(__doc__)
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=100)
    p = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_random_bundle(Path(folder) / "bundle", p.items)
        graph = onnx.load(bundle / "model.onnx")
    result = measure(graph, p.items, p.batch, p.rounds)
    result["measured_with"] = vars(p) | {"length": LENGTH} | machine(1, "onnxruntime-gpu")
    write_json(RESULT, result)
    print(RESULT.read_text(), end="")


if __name__ == "__main__":
    main()
