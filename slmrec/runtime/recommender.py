"""The runtime: a bundle, onnxruntime and numpy. No torch, no transformers, no Polars, no pandas.

recommender = Recommender.load("artifacts/bundle", device="auto", threads=1)
lists = recommender.recommend([["50", "181"], ["172"]], k=10)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.bundle import Bundle
from slmrec.runtime.comparison import TopK
from slmrec.runtime.further_graphs import GRAPH_OF
from slmrec.runtime.item_ids import IdReader
from slmrec.runtime.item_names import ItemNames
from slmrec.runtime.list_calls import ListCalls
from slmrec.runtime.loaded import load_graph
from slmrec.runtime.ragged import Ragged, batches_by_length, side_by_side
from slmrec.runtime.requests import (
    PRECISIONS,
    check_choice,
    device_for,
)
from slmrec.runtime.session import run_graph

if TYPE_CHECKING:
    from slmrec.runtime.follow import FollowingRecommender

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["fp32", "int8", "fp16"]
# Rows that the graph is given at once. On one thread of a CPU 16 and 32 are the fastest, and 256
# serve a quarter to a third fewer (benchmarks/runtime_overhead.py); a GPU wants more, which was not
# measured.
BATCH_SIZE = {"cpu": 32, "cuda": 256}
WARM_UP_K = 10
SCORES_AT_ONCE = 2**26  # rows x items scored in one run: 256 MiB of scores; changes no result


class Recommender(ListCalls):
    """A verified bundle, loaded. Calls leave nothing behind in it, so threads may share it.

    Raises BundleError when the bundle is incomplete, altered or mixed from two, UnavailableError
    when `device` cannot run, and UsageError for an argument of a wrong type.
    """

    def __init__(
        self,
        bundle_dir: Path | str | Bundle,
        device: Device,
        threads: int | None,
        batch_size: int | None = None,
        precision: Precision = "fp32",
    ) -> None:
        """Load a bundle from its folder; `load` says what the arguments mean."""
        check_choice(precision, "precision", PRECISIONS)
        device = device_for(precision, device)
        loaded = load_graph(bundle_dir, GRAPH_OF[precision], device, threads, batch_size)
        self.contract, self.items = loaded.bundle.contract, loaded.items
        self.session, self.device = loaded.placed.session, loaded.placed.device
        self.device_reason = loaded.placed.reason
        most = max(1, SCORES_AT_ONCE // self.items.rows)
        self.batch_size = min(batch_size or BATCH_SIZE[self.device], most)
        self.names = ItemNames(self.items)
        self.reader = IdReader(self.items.index)

    @classmethod
    def load(
        cls,
        bundle: Path | str,
        device: Device = "auto",
        threads: int | None = None,
        batch_size: int | None = None,
        precision: Precision = "fp32",
    ) -> Recommender:
        """Load and verify a bundle, and run it once, so that no caller waits for the first run.

        `device` is where it runs, or an error; "auto" takes CUDA where that works and the CPU
        elsewhere, and `device` and `device_reason` of the result say which and why. `threads` are
        those of one call, None for as many as onnxruntime chooses. `batch_size` is how many
        histories the graph is given at once, None for what suits the device: more need more memory.
        `precision` is that of the graph: "fp32", and "int8" (on a CPU) or "fp16" (meant for a GPU)
        where the bundle has them; their lists are nearly the same.
        """
        recommender = cls(bundle, device, threads, batch_size, precision)
        recommender.warm_up()
        return recommender

    @staticmethod
    def follow(
        registry: Path, device: Device, threads: int | None, every: float
    ) -> FollowingRecommender:
        """A recommender that goes over to each version as it is published: runtime/follow.py."""
        from slmrec.runtime.follow import FollowingRecommender

        return FollowingRecommender(registry, device, threads, every)

    @property
    def largest_k(self) -> int:
        """How many items can be recommended at all."""
        return self.items.candidates

    def warm_up(self) -> None:
        """Run one history, and a batch of the longest: the first run of a graph is a slow one."""
        for rows, length in ((1, 1), (self.batch_size, self.contract["max_length"])):
            history = np.full((rows, length), FIRST_ITEM, dtype=np.int64)
            self.recommend_indices(history, history, WARM_UP_K)

    def _best(self, history: Ragged, excluded: Sequence[Ragged], k: int) -> TopK:
        """Run the graph on batches of histories of like length, and put the rows in order again."""
        # The graph cuts histories too; cutting them here saves carrying what it drops.
        newest = history.newest(self.contract["max_length"])
        rows = len(newest.lengths)
        best = TopK(np.empty((rows, k), np.int64), np.empty((rows, k), np.float32))
        for batch in batches_by_length(newest.lengths, self.batch_size):
            inputs = newest.padded(batch, least=1), side_by_side(excluded, batch)
            top = run_graph(self.session, *inputs, k)
            if rows == 1:
                return top
            best.items[batch], best.scores[batch] = top.items, top.scores
        return best
