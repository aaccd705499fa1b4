"""Latency of a list against the size of the catalogue: the whole graph, and search in two stages.

Run as: python -m benchmarks.two_stage NAME [--student FOLDER --histories FOLDER]
[--items 10000 100000 1000000] [--users 200] [--rounds 30]
One thread, one process. Without --student the model is random, and so are histories. With it, the
catalogue of a trained student (artifacts/student/student) is enlarged by copies of its items, each
moved in a random direction by as far as the item's nearest neighbour lies away, and histories are
those of real users (artifacts/histories). Recall is the share of the whole graph's ten. Results:
results/two-stage-NAME.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.neighbour_cost import in_turns
from benchmarks.random_bundle import LENGTH, write_bundle_of, write_random_bundle
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, read_histories
from slmrec.dataset.padding import right_padded
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.serialization import load_model
from slmrec.runtime import Recommender, TwoStageRecommender
from slmrec.runtime.further_graphs import USER_TOWER
from slmrec.runtime.item_search import SHORTLISTED
from slmrec.studies.environment import machine

K = 10
BATCHES = (1, 32)
AT_ONCE = 1000  # items whose distances to all are held at once


def enlarged(model: SequenceModel, items: int) -> SequenceModel:
    """The model with a table of `items` items, all that are not its own being moved copies."""
    table = model.item_embedding.folded().detach()
    own, draws = table[FIRST_ITEM:], torch.Generator().manual_seed(1)
    source = torch.arange(items) % len(own)
    rows = own[source]
    moved = torch.randn(rows[len(own) :].shape, generator=draws)
    distance = nearest_distance(own)[source[len(own) :], None]
    rows[len(own) :] += moved / moved.norm(dim=1, keepdim=True) * distance
    larger = ItemEmbedding(
        torch.ones(items + FIRST_ITEM, dtype=torch.bool), table.shape[1], None, 0.0
    )
    larger.ids = torch.nn.Parameter(torch.cat([table[:FIRST_ITEM], rows]))
    model.set_submodule("item_embedding", larger)
    return model.eval()


def nearest_distance(vectors: Tensor) -> Tensor:
    """How far each vector's nearest other one lies away.  # (C,)"""
    found = []
    for first in range(0, len(vectors), AT_ONCE):
        distances = torch.cdist(vectors[first : first + AT_ONCE], vectors)
        distances[torch.arange(len(distances)), first + torch.arange(len(distances))] = torch.inf
        found.append(distances.amin(1))
    return torch.cat(found)


def real_histories(histories: Histories, users: int, rows: int, length: int) -> np.ndarray:
    """Histories of some users, (users, T); items beyond `rows` are read as the first one."""
    drawn = np.random.default_rng(1).permutation(len(histories.users))[:users]
    stops = np.diff(histories.offsets)[drawn]
    items = right_padded(histories, drawn, stops, length)
    items[items >= rows] = FIRST_ITEM
    return items


def measure(bundle: Path, history: np.ndarray, rounds: int) -> dict[str, Any]:
    """Milliseconds of calls, recall, and seconds to load, of a bundle without neighbours."""
    started = time.perf_counter()
    exact = Recommender.load(bundle, "cpu", 1)
    between = time.perf_counter()
    two_stage = TwoStageRecommender.load(bundle, "cpu", 1)
    loads = {"graph": between - started, "two_stage": time.perf_counter() - between}
    expected = exact.recommend_indices(history, history, K).items
    found = two_stage.recommend_indices(history, history, K).items
    same = (expected[:, :, None] == found[:, None, :]).any(2).mean(axis=1)  # (users,)
    return {
        "load_seconds": loads,
        "recall": float(same.mean()),
        "lowest_recall": float(same.min()),
        "milliseconds": {
            f"batch {batch}": latency(exact, two_stage, history[:batch], rounds)
            for batch in BATCHES
        },
    }


def latency(
    exact: Recommender, two_stage: TwoStageRecommender, history: np.ndarray, rounds: int
) -> dict[str, float]:
    """Milliseconds of a call in turns, and how many times as fast two stages are.

    "tower" is what both need: the rest of a call is scores and TopK, or the search.
    """
    works: dict[str, Callable[[], object]] = {
        "graph": lambda: exact.recommend_indices(history, history, K),
        "two_stage": lambda: two_stage.recommend_indices(history, history, K),
        "tower": lambda: two_stage.tower.embed_indices(history),
    }
    turns = max(5, rounds // len(history))
    in_turns(works, 1)
    # Lower quartiles: on a shared machine a median holds what others did meanwhile.
    spent = {
        name: 1000 * float(np.quantile(each, 0.25)) for name, each in in_turns(works, turns).items()
    }
    return spent | {"times_as_fast": spent["graph"] / spent["two_stage"]}


def inputs_of(p: argparse.Namespace, items: int, folder: Path) -> tuple[Path, np.ndarray]:
    """A bundle of so many items, and histories to ask it with."""
    if p.student is None:
        rng = np.random.default_rng(1)
        history = rng.integers(FIRST_ITEM, items + FIRST_ITEM, (p.users, LENGTH))
        return write_random_bundle(folder, items, [USER_TOWER]), history
    model = enlarged(load_model(p.student), items)
    history = real_histories(
        read_histories(p.histories), p.users, items + FIRST_ITEM, model.max_length
    )
    return write_bundle_of(model, folder, [USER_TOWER]), history


def main() -> None:
    """Measure every size, smallest first, and write after each."""
    parser = new_parser(__doc__)
    parser.add_argument("name")
    parser.add_argument("--student", type=Path)
    parser.add_argument("--histories", type=Path)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=30)
    p = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "catalogues": {},
        "measured_with": {
            "users": p.users,
            "rounds": p.rounds,
            "trained": p.student is not None,
            "shortlisted": SHORTLISTED,
        }
        | machine(1, "onnxruntime-gpu", "faiss-cpu", "numpy"),
    }
    for items in sorted(p.items):
        with tempfile.TemporaryDirectory() as folder:
            bundle, history = inputs_of(p, items, Path(folder) / "bundle")
            result["catalogues"][str(items)] = measure(bundle, history, p.rounds)
        write_json(RESULTS / f"two-stage-{p.name}.json", result)
        print(items, result["catalogues"][str(items)], flush=True)


if __name__ == "__main__":
    main()
