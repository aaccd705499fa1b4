"""Users as vectors, for whoever searches among the items' vectors by other means than the graph.

tower = UserTower.load("artifacts/bundle", device="auto", threads=1)
users = tower.embed([["50", "181"], ["172"]]).vectors  # (2, W) float32
scores = users @ tower.item_vectors.vectors.T  # (2, C), of the items tower.item_vectors.items

The product is the student's score alone, without what neighbours and a trend add to the lists of
model.onnx: the neighbours' part is no product of two vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.answers import UnknownIds
from slmrec.runtime.bundle import Bundle
from slmrec.runtime.further_graphs import ITEM_VECTORS, USER_TOWER
from slmrec.runtime.item_ids import IdReader
from slmrec.runtime.item_vectors import ItemVectors, read_item_vectors
from slmrec.runtime.loaded import load_graph
from slmrec.runtime.ragged import Ragged, batches_by_length
from slmrec.runtime.recommender import BATCH_SIZE, Device
from slmrec.runtime.requests import (
    UNKNOWN,
    check_choice,
    id_rows,
    index_rows,
)
from slmrec.runtime.session import embed_users


@dataclass(frozen=True)
class UserVectors:
    """A vector for each history of a call, in the order of the call."""

    vectors: np.ndarray  # (B, W) float32
    unknown: UnknownIds
    unknown_items: np.ndarray  # (B,) int64, how many ids of each history are unknown


class UserTower:
    """user_tower.onnx of a verified bundle, and the vectors it is searched among.

    Calls leave nothing behind in it, so threads may share it. Raises BundleError when the bundle is
    incomplete, altered, mixed from two or has no user tower, UnavailableError when `device` cannot
    run, and UsageError for an argument of a wrong type.
    """

    def __init__(
        self,
        bundle_dir: Path | str | Bundle,
        device: Device,
        threads: int | None,
        batch_size: int | None = None,
    ) -> None:
        """Load it from a bundle's folder; `load` says what the arguments mean."""
        loaded = load_graph(bundle_dir, USER_TOWER, device, threads, batch_size)
        self.contract, self.items = loaded.bundle.contract, loaded.items
        self.session, self.device = loaded.placed.session, loaded.placed.device
        self.device_reason = loaded.placed.reason
        self.width = int(loaded.facts["item_vectors"]["width"])
        self.batch_size = batch_size or BATCH_SIZE[self.device]
        self._vectors_file = loaded.bundle.files[ITEM_VECTORS]
        self._reader = IdReader(self.items.index)

    @classmethod
    def load(
        cls,
        bundle: Path | str,
        device: Device = "auto",
        threads: int | None = None,
        batch_size: int | None = None,
    ) -> UserTower:
        """Load and verify a bundle, and run its user tower once.

        The arguments are those of `Recommender.load`.
        """
        tower = cls(bundle, device, threads, batch_size)
        tower.embed_indices(np.full((1, 1), FIRST_ITEM))
        return tower

    @cached_property
    def item_vectors(self) -> ItemVectors:
        """The vectors of all items that can be recommended, and their item indices."""
        return read_item_vectors(self._vectors_file)

    def embed(
        self,
        histories: Iterable[Iterable[str]],
        unknown: Literal["refuse", "warn", "ignore"] = "refuse",
    ) -> UserVectors:
        """The vector of each history of external ids, oldest first.

        An empty history gets that of an unknown item. `unknown` is as for `Recommender.recommend`.
        Raises UsageError for an unknown id, and for anything of a wrong shape or type.
        """
        check_choice(unknown, "unknown", UNKNOWN)
        rows = id_rows(histories, "histories", ordered=True)
        found = self._reader.read(rows, "histories", unknown)
        first = found.unknown[0] if found.unknown else None
        unknown_ids = UnknownIds(len(found.unknown), 0, first)
        return UserVectors(self._embed(found.indices), unknown_ids, found.unknown_of_rows())

    def embed_indices(self, history: np.ndarray) -> np.ndarray:
        """The same of item indices (B, T), padded on the right with 0.  # (B, W) float32

        Raises UsageError for anything else than a table of whole numbers.
        """
        return self._embed(Ragged.of_padded(index_rows(history, "history")))

    def _embed(self, history: Ragged) -> np.ndarray:
        newest = history.newest(self.contract["max_length"])
        vectors = np.empty((len(newest.lengths), self.width), np.float32)
        for batch in batches_by_length(newest.lengths, self.batch_size):
            vectors[batch] = embed_users(self.session, newest.padded(batch, least=1))
        return vectors
