"""Lists from a catalogue of a million items: the user's vector, then a search among the items'.

recommender = TwoStageRecommender.load("artifacts/bundle", device="auto", threads=1)
lists = recommender.recommend([["50", "181"], ["172"]], k=10)

The lists are those of model.onnx, nearly always: runtime/item_search.py finds candidates by short
codes and scores them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.runtime.bundle import Bundle, read_bundle
from slmrec.runtime.comparison import TopK
from slmrec.runtime.item_ids import IdReader
from slmrec.runtime.item_names import ItemNames
from slmrec.runtime.item_search import NOBODY, ItemSearch
from slmrec.runtime.list_calls import ListCalls
from slmrec.runtime.ragged import Ragged, batches_by_length, side_by_side
from slmrec.runtime.recommender import SCORES_AT_ONCE, Device, Recommender
from slmrec.runtime.session import embed_users
from slmrec.runtime.user_tower import UserTower


class TwoStageRecommender(ListCalls):
    """The user tower of a verified bundle, and an index of its items' vectors.

    Calls leave nothing behind in it, so threads may share it. Raises what `UserTower` and
    `ItemSearch` do, and BundleError for a bundle whose lists neighbours join.
    """

    def __init__(
        self,
        bundle_dir: Path | str | Bundle,
        device: Device,
        threads: int | None,
        batch_size: int | None = None,
    ) -> None:
        """Load it from a bundle's folder; the arguments are those of `Recommender.load`."""
        bundle = bundle_dir if isinstance(bundle_dir, Bundle) else read_bundle(bundle_dir)
        if bundle.contract["neighbours"] is not None:
            raise BundleError(
                f"{bundle.folder} serves neighbours, which no search by inner product finds; use "
                "Recommender, or export with export_onnx.neighbours: false"
            )
        self.tower = UserTower(bundle, device, threads, batch_size)
        self.contract, self.items = self.tower.contract, self.tower.items
        self._indices = self.tower.item_vectors.items  # (C,) of the places that a search gives
        self._place = np.full(self.items.rows, NOBODY)  # (I,)
        self._place[self._indices] = np.arange(len(self._indices))
        self.search = ItemSearch(self.tower.item_vectors.vectors, threads)
        self._unasked = _of_nobody(bundle, threads)
        most = max(1, SCORES_AT_ONCE // len(self._indices))
        self.batch_size = min(self.tower.batch_size, most)
        self.names, self.reader = ItemNames(self.items), IdReader(self.items.index)

    @classmethod
    def load(
        cls,
        bundle: Path | str,
        device: Device = "auto",
        threads: int | None = None,
        batch_size: int | None = None,
    ) -> TwoStageRecommender:
        """Load and verify a bundle, index its items, and run it once.

        The arguments are those of `Recommender.load`; the search runs on the CPU in any case.
        """
        recommender = cls(bundle, device, threads, batch_size)
        first = np.full((1, 1), FIRST_ITEM)
        recommender.recommend_indices(first, first, 1)
        return recommender

    @property
    def largest_k(self) -> int:
        """How many items can be recommended at all."""
        return len(self._indices)

    def _best(self, history: Ragged, excluded: Sequence[Ragged], k: int) -> TopK:
        newest = history.newest(self.contract["max_length"])
        rows = len(newest.lengths)
        best = TopK(np.full((rows, k), PAD, np.int64), np.full((rows, k), -np.inf, np.float32))
        for batch in batches_by_length(newest.lengths, self.batch_size):
            items, left_out = newest.padded(batch, least=1), side_by_side(excluded, batch)
            users = embed_users(self.tower.session, items)
            places, scores = self.search.best(users, self._places_of(left_out), k)
            best.items[batch] = np.where(places == NOBODY, PAD, self._indices[places])
            best.scores[batch] = scores
            for row in np.flatnonzero(~(items >= FIRST_ITEM).any(axis=1)):
                self._list_unasked(best, int(batch[row]), left_out[row])
        return best

    def _list_unasked(self, best: TopK, row: int, left_out: np.ndarray) -> None:
        """Write the list of somebody without a known item into a row of `best`."""
        k = best.items.shape[1]
        head = slice(0, k + len(left_out))
        items, scores = self._unasked.items[0, head], self._unasked.scores[0, head]
        kept = np.flatnonzero(~np.isin(items, left_out))[:k]
        best.items[row], best.scores[row] = PAD, -np.inf
        best.items[row, : len(kept)], best.scores[row, : len(kept)] = items[kept], scores[kept]

    def _places_of(self, indices: np.ndarray) -> np.ndarray:
        """The places of item indices, NOBODY for those that are no candidates."""
        known = (indices >= 0) & (indices < len(self._place))
        return np.where(known, self._place[np.where(known, indices, PAD)], NOBODY)


def _of_nobody(bundle: Bundle, threads: int | None) -> TopK:
    """All candidates as model.onnx lists them for an empty history; it is not kept.  # (1, C)

    What is popular is in that graph alone: nothing of it is a product with a user's vector.
    """
    recommender = Recommender(bundle, "cpu", threads)
    empty = np.zeros((1, 1), np.int64)
    return recommender.recommend_indices(empty, empty, recommender.largest_k)
