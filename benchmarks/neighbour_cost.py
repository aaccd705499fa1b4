"""What neighbours cost in the served graph: latency beside the student alone, and bytes.

Run as: python -m benchmarks.neighbour_cost [--items 12000 100000 1000000] [--neighbours 50]
[--rounds 300]
One thread, one process: the graph of an untrained narrow student (2 layers of width 128, item
vectors of 64) with and without two tables of neighbours, in turns on the same inputs. Larger
catalogues are asked in fewer rounds. No file is kept. Results: results/neighbour-cost.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.serving import serving_in_onnx
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.graph import Additions, export_graph
from slmrec.models.factory import SequenceModel, new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.table import Neighbours, NeighbourTable
from slmrec.params.decoder import DecoderParams
from slmrec.runtime.session import open_session
from slmrec.studies.environment import machine

RESULT = RESULTS / "neighbour-cost.json"
SHAPE = DecoderParams(
    kind="config", layers=2, width=128, heads=2, key_value_heads=2, feed_forward=256
)
LENGTH, OPSET, NEWEST, TABLE_WIDTH = 50, 18, 10, 64
BATCHES = (1, 32)
FEWEST_ROUNDS, ITEMS_OF_ALL_ROUNDS = 10, 12_000
BLEND = Blend(0.7, {"graph": Term(0.5, 0.3), "titles": Term(0.5, 0.3)}, None)


def student(items: int, width: int) -> SequenceModel:
    """An untrained narrow student over an item table of `width`."""
    torch.manual_seed(1)
    table = ItemEmbedding(torch.ones(items + FIRST_ITEM, dtype=torch.bool), width, None, 0.0)
    return new_decoder(table, SHAPE, 0.0, 0.0, LENGTH).eval()


def random_neighbours(items: int, count: int) -> NeighbourScores:
    """Tables of random neighbours: what they cost does not depend on which they are."""
    draws = torch.Generator().manual_seed(2)

    def table() -> NeighbourTable:
        shape = (items + FIRST_ITEM, count)
        drawn = torch.randint(FIRST_ITEM, items + FIRST_ITEM, shape, generator=draws)
        return NeighbourTable(drawn.int(), torch.rand(shape, generator=draws))

    return NeighbourScores(Neighbours({"graph": table(), "titles": table()}, NEWEST), BLEND, None)


def graph_bytes(items: int, width: int, neighbours: NeighbourScores | None) -> bytes:
    """The exported graph of a student with or without neighbours."""
    candidates = torch.arange(items + FIRST_ITEM) >= FIRST_ITEM
    graph = export_graph(student(items, width), candidates, OPSET, Additions(neighbours))
    return graph.SerializeToString()


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of each work, one after the other in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _round in range(rounds):
        marks = [time.perf_counter()]
        for work in works.values():
            work()
            marks.append(time.perf_counter())
        for name, (start, stop) in zip(works, pairwise(marks), strict=True):
            seconds[name].append(stop - start)
    return seconds


def measure(items: int, count: int, rounds: int) -> dict[str, Any]:
    """Bytes of both graphs; median milliseconds of a call at each batch size, and their ratio."""
    graphs = {
        "student": graph_bytes(items, TABLE_WIDTH, None),
        "student_with_neighbours": graph_bytes(items, TABLE_WIDTH, random_neighbours(items, count)),
    }
    sessions = {name: open_session(graph, "cpu", 1) for name, graph in graphs.items()}
    result: dict[str, Any] = {"bytes": {name: len(graph) for name, graph in graphs.items()}}
    del graphs
    for batch in BATCHES:
        inputs = np.random.default_rng(batch).integers(
            FIRST_ITEM, items + FIRST_ITEM, (batch, LENGTH)
        )
        works = {name: serving_in_onnx(session, [inputs]) for name, session in sessions.items()}
        in_turns(works, 1 + rounds // 10)
        medians = {name: float(np.median(s)) for name, s in in_turns(works, rounds).items()}
        ratio = medians["student_with_neighbours"] / medians["student"]
        milliseconds = {name: 1000 * median for name, median in medians.items()}
        result[f"batch {batch}"] = {"milliseconds": milliseconds, "ratio": ratio}
        print(f"{items:,} items, batch {batch}", milliseconds, f"ratio {ratio:.2f}", flush=True)
    return result


def main() -> None:
    """Measure every size."""
    parser = new_parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[12_000, 100_000, 1_000_000])
    parser.add_argument("--neighbours", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=300)
    p = parser.parse_args()
    by_size = {}
    for items in p.items:
        rounds = max(FEWEST_ROUNDS, min(p.rounds, p.rounds * ITEMS_OF_ALL_ROUNDS // items))
        by_size[f"{items} items"] = measure(items, p.neighbours, rounds)
    shape = {"length": LENGTH, "width_of_item_vectors": TABLE_WIDTH}
    measured_with = vars(p) | shape | machine(1, "torch", "onnxruntime-gpu")
    write_json(RESULT, by_size | {"measured_with": measured_with})


if __name__ == "__main__":
    main()
