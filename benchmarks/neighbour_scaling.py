"""How long finding neighbours takes, and how much memory: up to 100M events and 1M items.

Run as: python -m benchmarks.neighbour_scaling [--events 1e6 1e7 1e8]
Histories of 50 events with a long tail of items, a hundredth as many items as events, and titles of
words with a long tail. Settings are those of the project's params.yaml. Each point runs in a
process of its own, whose peak memory holds the histories too. Results:
results/neighbour-scaling.json.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import polars as pl

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.catalogue_size import peak_mib
from benchmarks.simulated_training import simulate_histories
from benchmarks.stopwatch import Stopwatch
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.neighbours.item_graph import item_graph
from slmrec.neighbours.title_similarity import title_similarity
from slmrec.params.neighbours import NeighboursParams
from slmrec.studies.environment import machine

RESULT = RESULTS / "neighbour-scaling.json"
LENGTH, EVENTS_PER_ITEM = 50, 100
WORDS_PER_TITLE, VOCABULARY = 8, 100_000
Row = dict[str, Any]


def simulate_titles(items: int) -> pl.DataFrame:
    """A table of items whose titles share their words as a long tail does."""
    random = np.random.default_rng(1)
    ranks = (VOCABULARY ** random.random((items, WORDS_PER_TITLE))).astype(np.int64)
    titles = [" ".join(f"w{rank}" for rank in row) for row in ranks.tolist()]
    index = np.arange(FIRST_ITEM, items + FIRST_ITEM, dtype=np.uint32)
    return pl.DataFrame({"item_index": index, "title": titles})


def measure(events: int) -> Row:
    """Seconds and edges of both tables at so many events, and the process's peak memory."""
    p = NeighboursParams.read()
    assert p.titles is not None
    items = events // EVENTS_PER_ITEM
    rows = items + FIRST_ITEM
    row: Row = {"events": events, "items": items}
    histories = simulate_histories(events // LENGTH, LENGTH - 1, LENGTH, items)
    stopwatch = Stopwatch()
    row["graph"] = {"edges": item_graph(histories, rows, p.graph, p.count).nnz, **stopwatch.read()}
    del histories
    row["peak_mib_graph"] = peak_mib()
    table = simulate_titles(items)
    stopwatch = Stopwatch()
    similar = title_similarity(table, rows, p.titles, p.count)
    row["titles"] = {"edges": similar.nnz, **stopwatch.read()}
    return row | {"peak_mib": peak_mib()}


def measure_apart(events: int) -> Row:
    """`measure` in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measure, events).result()


def main() -> None:
    """Measure every point and write them."""
    parser = new_parser(__doc__)
    parser.add_argument("--events", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    points = []
    for events in parser.parse_args().events:
        points.append(measure_apart(int(events)))
        print(points[-1], flush=True)
        params = NeighboursParams.read().model_dump()
        write_json(RESULT, {"points": points, "params": params} | machine(1, "scipy", "numpy"))


if __name__ == "__main__":
    main()
