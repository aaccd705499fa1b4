"""Pruning and quantisation of a model: layers x feed-forward channels x precision.

Run as: python -m benchmarks.compression HISTORIES MODEL [--layers 2 1] [--channels 1.0 0.75 0.5]
[--device cpu] [--threads 2] [--name student]
MODEL is a folder that distill_student or train_teacher wrote. Nothing is trained again after a cut.
Each row has test NDCG@10 (full ranking), the bytes of the graph and users served a second. int8 is
onnxruntime's dynamic quantisation of the exported graph, which only CPUs run; fp16 its conversion,
which only GPUs run faster: on a CPU the speed of an fp16 row is that of casting back and forth.
Results: benchmarks/results/compression-NAME.json.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.graph_scorer import GraphScorer
from benchmarks.pruning import prune
from benchmarks.serving import serving_in_onnx
from slmrec.core.files import write_json
from slmrec.dataset.histories import Histories, Targets, read_histories
from slmrec.evaluation.timing import serving_batches, time_in_turn
from slmrec.export.graph import export_graph
from slmrec.export.precisions import CONVERTERS
from slmrec.models.factory import cut_decoder, decoder_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_decoder
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.inputs import sample_targets
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.ranks import rank_targets
from slmrec.results import as_markdown
from slmrec.runtime.session import open_session
from slmrec.studies.environment import machine

OPSET = 18
COST = MeasureCostParams(seed=1, repeats=3, steps=1, batch=128, users=512)
Row = dict[str, Any]


def measure(model: LlamaRecommender, histories: Histories, p: argparse.Namespace) -> dict[str, Row]:
    """Quality on sampled test targets, bytes of the graph and users per second, by precision."""
    items = len(model.item_embedding)
    candidates = candidate_mask(items, histories.items)
    targets = sample_targets(histories.targets["test"], p.targets, seed=1)
    graphs = precisions(export_graph(model, candidates, OPSET), p.device)
    sessions = {name: open_session(graph, p.device, p.threads) for name, graph in graphs.items()}
    scorers = {
        name: GraphScorer(session, histories, items, model.max_length)
        for name, session in sessions.items()
    }
    speeds = users_per_second(sessions, histories)
    return {
        name: {
            "ndcg@10": ndcg_on_test(scorers[name], histories, targets, candidates),
            "bytes": len(graph),
            "users_per_second": speeds[name],
        }
        for name, graph in graphs.items()
    }


def precisions(graph: onnx.ModelProto, device: str) -> dict[str, bytes]:
    """The graph in each precision that the device runs."""
    others = {
        name: convert for name, convert in CONVERTERS.items() if device == "cpu" or name != "int8"
    }
    graphs = {"fp32": graph, **{name: convert(graph) for name, convert in others.items()}}
    return {name: one.SerializeToString() for name, one in graphs.items()}


def ndcg_on_test(
    scorer: GraphScorer, histories: Histories, targets: Targets, candidates: torch.Tensor
) -> float:
    """NDCG@10 in a full ranking of the targets."""
    ranks = rank_targets(scorer, histories, targets, candidates, None)
    return mean_ndcg10(ranks.full, targets.row)


def users_per_second(
    sessions: dict[str, onnxruntime.InferenceSession], histories: Histories
) -> dict[str, float]:
    """Users served a second by each graph, all on the same inputs, in turn."""
    batches = serving_batches(histories, COST)
    tasks = {name: serving_in_onnx(session, batches) for name, session in sessions.items()}
    seconds = time_in_turn(tasks, COST.repeats)
    return {name: COST.users / statistics.median(times) for name, times in seconds.items()}


def rows(model: LlamaRecommender, histories: Histories, p: argparse.Namespace) -> Iterator[Row]:
    """One row for each number of layers, share of channels and precision."""
    for layers in p.layers:
        cut = cut_decoder(model, model.item_embedding, range(1, layers + 1), 0.0, 0.0).eval()
        for share in p.channels:
            thin = prune(cut, share)
            shape = {"layers": layers, "channels": share, "parameters": decoder_parameters(thin)}
            for precision, figures in measure(thin, histories, p).items():
                yield shape | {"precision": precision} | figures


def as_texts(row: Row) -> dict[str, str]:
    """A row for the printed table, fractions with four digits."""
    return {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in row.items()
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = new_parser(__doc__)
    parser.add_argument("histories", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--channels", type=float, nargs="+", default=[1.0, 0.75, 0.5])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--targets", type=int, default=2000)
    parser.add_argument("--name", default="student")
    return parser.parse_args()


def write_result(p: argparse.Namespace, table: list[Row]) -> None:
    """Write results/compression-NAME.json and print the table."""
    result = {
        "rows": table,
        "device": p.device,
        "test_targets": p.targets,
        "made_with": machine(p.threads, "torch", "onnx"),
    }
    write_json(RESULTS / f"compression-{p.name}.json", result)
    print(as_markdown([as_texts(row) for row in table]))


def main() -> None:
    """Measure every cell of the table and write it."""
    p = read_arguments()
    torch.set_num_threads(p.threads)
    histories, model = read_histories(p.histories), load_decoder(p.model)
    table = []
    for row in rows(model, histories, p):
        table.append(row)
        print(row, flush=True)
    write_result(p, table)


if __name__ == "__main__":
    main()
