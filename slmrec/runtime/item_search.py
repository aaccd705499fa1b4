"""The best items of users by inner product: a scan of short codes, then the exact scores.

A product quantiser of faiss (4 bits for each pair of numbers) scans every item in a sixteenth of
the bytes, and what it ranks highest is scored exactly. No item is passed over unscanned, as lists
of clusters do: trained item vectors lie so far apart that more than half of the clusters had to be
read for 99% of the exact lists.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from slmrec.core.errors import UnavailableError

NOBODY = -1  # the place of no item
# Below it every product is computed, which takes less than a millisecond.
SMALLEST_INDEXED = 10_000
# Items scored exactly for each one that is asked for, among CATALOGUE items; more as the root of
# the catalogue, since codes hold more items as close. benchmarks/two_stage.py measures recall.
SHORTLISTED, CATALOGUE = 40, 100_000
TRAINED_ON = 20_000  # vectors that the quantiser learns from, evenly spread over the table


class ItemSearch:
    """C vectors of width W to be searched by inner product; the same vectors give the same index.

    Searches leave nothing behind in it, so threads may share it. Raises UnavailableError where
    there are so many vectors that faiss is needed, and it is not installed.
    """

    def __init__(self, vectors: np.ndarray, threads: int | None) -> None:
        """Index `vectors` (C, W) float32; `threads` are those of one search, None for faiss's."""
        self.vectors = vectors
        self.threads = threads
        self._odd = vectors.shape[1] % 2
        self._index = self._coded() if len(vectors) >= SMALLEST_INDEXED else None

    def best(
        self, users: np.ndarray, excluded: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places and scores of the k best items for each of `users` (B, W), best first.  # (B, k)

        `excluded` (B, X) are places left out, NOBODY for none. Of equal scores the lower place
        comes first. NOBODY with score -inf fills a row whose items ran out.
        """
        larger = max(1.0, len(self.vectors) / CATALOGUE) ** 0.5
        shortlist = round(SHORTLISTED * larger) * k + excluded.shape[1]
        if self._index is None or 4 * shortlist > len(self.vectors):
            places, scores = self._all(users, excluded, k)
        else:
            places, scores = self._shortlisted(users, excluded, shortlist)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, order, 1)
        found = np.take_along_axis(places, order, 1)
        return np.where(best > -np.inf, found, NOBODY), best

    def _all(
        self, users: np.ndarray, excluded: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best of all products, in the order of their places."""
        scores = users @ self.vectors.T  # (B, C)
        rows, columns = np.nonzero(excluded != NOBODY)
        scores[rows, excluded[rows, columns]] = -np.inf
        places = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        places.sort(axis=1)
        return places, np.take_along_axis(scores, places, 1)

    def _shortlisted(
        self, users: np.ndarray, excluded: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The exact scores of the `count` items that the codes rank highest, by place."""
        assert self._index is not None
        with _faiss_threads(self.threads):
            _, places = self._index.search(self._even(users), count)
        places.sort(axis=1)
        scores = np.matmul(self.vectors[places], users[:, :, None])[:, :, 0]  # (B, count)
        for row, left_out in enumerate(excluded):
            scores[row, np.isin(places[row], left_out)] = -np.inf
        scores[places == NOBODY] = -np.inf
        return places, scores

    def _coded(self) -> Any:
        vectors = self._even(self.vectors)
        width = vectors.shape[1]
        faiss = load_faiss()
        index = faiss.IndexPQFastScan(width, width // 2, 4, faiss.METRIC_INNER_PRODUCT)
        with _faiss_threads(self.threads):
            index.train(np.ascontiguousarray(vectors[:: -(-len(vectors) // TRAINED_ON)]))
            index.add(vectors)
        return index

    def _even(self, vectors: np.ndarray) -> np.ndarray:
        # Numbers are coded in pairs; a zero changes no product.
        padded = np.pad(vectors, ((0, 0), (0, 1))) if self._odd else vectors
        return np.ascontiguousarray(padded)


def load_faiss() -> Any:
    """The module. Raises UnavailableError where it is not installed."""
    try:
        return import_module("faiss")
    except ImportError as error:
        raise UnavailableError(
            f"faiss cannot be imported ({error}); install it: pip install 'slmrec[ann]'"
        ) from error


@contextlib.contextmanager
def _faiss_threads(threads: int | None) -> Iterator[None]:
    """Let faiss use so many threads, and put back what the caller's own use of it had."""
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
