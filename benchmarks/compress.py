"""Distillation beside pruning and quantisation: layers kept x feed-forward channels kept x precision, with quality, size and speed.

Run as: python -m benchmarks.compress HISTORIES MODEL [--layers 2 1] [--channels 1.0 0.75 0.5]
[--device cpu] [--threads 2] [--name student] MODEL is a folder that distill_student or
train_teacher wrote. Nothing is trained again after a cut. Test NDCG@10, full ranking; int8 is
onnxruntime's dynamic quantisation of the exported graph, which only CPUs run, fp16 its conversion,
which only GPUs run faster: on a CPU the speed of an fp16 row is that of casting back and forth.
Results: benchmarks/results/compress-NAME.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from benchmarks.cost_llm import exported
from benchmarks.pruning import pruned
from slmrec.core.files import write_json
from slmrec.dataset.batches import right_padded
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.timing import serving_batches, time_in_turn
from slmrec.export.graph import export_graph
from slmrec.models.factory import cut_decoder, decoder_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_model
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.ranking.metrics import gains, user_means
from slmrec.ranking.ranks import candidate_mask, rank_targets, sample_targets
from slmrec.results import as_markdown
from slmrec.runtime.session import answer, open_session
from slmrec.studies.environment import machine

RESULTS = Path(__file__).resolve().parent / "results"
OPSET = 18


class GraphScores:
    """Scores every item with a graph, for ranking: asks for the whole list and puts it back in the items' order."""

    def __init__(
        self, session: onnxruntime.InferenceSession, histories: Histories, items: int, length: int
    ) -> None:
        self.answering = partial(answer, session)
        self.histories = histories
        self.items = items
        self.length = length

    def score(self, rows: Any, stops: Any) -> torch.Tensor:
        """Scores (B, I) of the histories `items[:stops]` of the users in `rows`."""
        asked = right_padded(self.histories, rows, stops, self.length)
        told = self.answering(asked, asked[:, :0], self.items)
        out = torch.full((len(asked), self.items), -torch.inf)
        return out.scatter_(1, torch.from_numpy(told.items), torch.from_numpy(told.scores))


def quantised(graph: onnx.ModelProto) -> bytes:
    """The graph with its matrix products in int8. Stale shapes of intermediate values are removed first, which it stumbles over."""
    plain = onnx.ModelProto()
    plain.CopyFrom(graph)
    del plain.graph.value_info[:]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        onnx.save(plain, source)
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
        return target.read_bytes()


def halved(graph: onnx.ModelProto) -> bytes:
    """The graph in fp16 from end to end; what goes in and comes out stays as the contract says."""
    plain = onnx.ModelProto()
    plain.CopyFrom(graph)
    del plain.graph.value_info[:]
    return cast(bytes, convert_float_to_float16(plain, keep_io_types=True).SerializeToString())


def measured(
    model: LlamaRecommender,
    histories: Histories,
    device: Literal["cpu", "cuda"],
    threads: int,
    targets: int,
) -> list[dict[str, Any]]:
    """One row a precision: quality on sampled test targets, bytes of the graph and users per second."""
    items = len(model.item_embedding)
    candidates = candidate_mask(items, histories.items)
    graph = export_graph(model, candidates, OPSET)
    chosen = sample_targets(histories.targets["test"], targets, seed=1)
    sessions: dict[str, onnxruntime.InferenceSession] = {}
    rows: list[dict[str, Any]] = []
    contents = {"fp32": graph.SerializeToString(), "fp16": halved(graph)} | (
        {"int8": quantised(graph)} if device == "cpu" else {}
    )
    for precision, content in contents.items():
        session = sessions[precision] = open_session(content, device, threads)
        ranks = rank_targets(
            GraphScores(session, histories, items, model.max_length),
            histories,
            chosen,
            candidates,
            None,
        )
        quality = float(user_means(gains(ranks.full, "ndcg@10"), chosen.row).mean())
        rows.append({"precision": precision, "ndcg@10": quality, "bytes": len(content)})
    p = MeasureCostParams(seed=1, repeats=3, steps=1, batch=128, users=512)
    batches = serving_batches(histories, p)
    seconds = time_in_turn(
        {name: exported(session, batches) for name, session in sessions.items()}, p.repeats
    )
    return [
        row | {"users_per_second": p.users / statistics.median(seconds[str(row["precision"])])}
        for row in rows
    ]


def main() -> None:
    """Measure every cell of the table and write it."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("histories", type=Path)
    asked.add_argument("model", type=Path)
    asked.add_argument("--layers", type=int, nargs="+", default=[2, 1])
    asked.add_argument("--channels", type=float, nargs="+", default=[1.0, 0.75, 0.5])
    asked.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--targets", type=int, default=2000)
    asked.add_argument("--name", default="student")
    given = asked.parse_args()
    torch.set_num_threads(given.threads)
    histories, whole = read_histories(given.histories), load_model(given.model)
    if not isinstance(whole, LlamaRecommender):
        raise SystemExit(f"{given.model} holds no decoder")
    rows = []
    for layers in given.layers:
        cut = cut_decoder(whole, whole.item_embedding, range(1, layers + 1), 0.0, 0.0).eval()
        for share in given.channels:
            model = pruned(cut, share)
            cell = {"layers": layers, "channels": share, "parameters": decoder_parameters(model)}
            rows += [
                cell | row
                for row in measured(model, histories, given.device, given.threads, given.targets)
            ]
            print(rows[-1], flush=True)
    made_with = {
        "device": given.device,
        "test_targets": given.targets,
        "made_with": machine(given.threads, "torch", "onnx"),
    }
    write_json(RESULTS / f"compress-{given.name}.json", {"rows": rows} | made_with)
    print(
        as_markdown(
            [
                {
                    key: f"{value:.4g}" if isinstance(value, float) else str(value)
                    for key, value in row.items()
                }
                for row in rows
            ]
        )
    )


if __name__ == "__main__":
    main()
