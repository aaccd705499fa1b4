"""Title neighbours of items that came after a training: among the items it knew, and themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import PAD
from slmrec.neighbours.sparse_rows import best_per_row, row_blocks
from slmrec.neighbours.title_similarity import PRODUCTS_AT_ONCE, title_vectorizer
from slmrec.params.neighbours import TitleParams


@dataclass(frozen=True)
class TitleVectors:
    """TF-IDF vectors of length 1, of known titles and of new ones."""

    known: csr_matrix  # (T, terms)
    known_items: np.ndarray  # (T,) int64 item indices
    new: csr_matrix  # (n, terms)
    first: int  # item index of the first new title; the others follow

    @staticmethod
    def of(
        known: list[str],
        known_items: np.ndarray,
        trained: int,
        new: list[str],
        first: int,
        p: TitleParams,
    ) -> TitleVectors:
        """The vectors of titles.

        Terms and their weights are those of the `trained` first known titles, which were there when
        their neighbours were found: these stay as they are. Raises DataError where no two of them
        share a term.
        """
        vectorizer = title_vectorizer(p)
        try:
            vectorizer.fit(known[:trained])
        except ValueError:  # how it says that no term is left
            raise DataError(
                f"no two of the bundle's {trained:,} titles share a word, so titles make "
                "nothing similar; new items come in with the next training alone"
            ) from None
        vectors, new_vectors = vectorizer.transform(known), vectorizer.transform(new)
        return TitleVectors(vectors, known_items, new_vectors, first)

    def best_of(self, wanted: np.ndarray, count: int) -> csr_matrix:
        """The `count` best among the known items that are `wanted` (I,) bool.  # (n, I)"""
        among = wanted[self.known_items]
        best = _best(self.new, self.known[among], count, itself_from=None)
        return _at(best, self.known_items[among], len(wanted))

    def best_of_all(self, count: int) -> csr_matrix:
        """The `count` best among known and new items; known ones first of equals.  # (n, I + n)"""
        everything = vstack([self.known, self.new], format="csr")
        new_items = np.arange(self.first, self.first + self.new.shape[0])
        best = _best(self.new, everything, count, itself_from=self.known.shape[0])
        columns = np.concatenate([self.known_items, new_items])
        return _at(best, columns, self.first + len(new_items))

    def entering(self, weakest: np.ndarray, count: int) -> csr_matrix:
        """New items that belong among the `count` best neighbours of known ones.  # (I, n)

        `weakest` (I,) is the cosine of the last of those that an item has, 0 where there is room.
        """
        by_term = self.known.T.tocsr()
        blocks = []
        for block in row_blocks(_work(self.new, by_term), PRODUCTS_AT_ONCE):
            cosines = (self.new[block] @ by_term).tocoo()
            items = self.known_items[cosines.col]
            closer = cosines.data > weakest[items]
            places = (cosines.row[closer], items[closer])
            shape = (cosines.shape[0], len(weakest))
            blocks.append(csr_matrix((cosines.data[closer], places), shape))
        return best_per_row(vstack(blocks).T.tocsr(), count)

    def only(self, kept: np.ndarray) -> TitleVectors:
        """The same with the new titles at the places `kept` alone."""
        return TitleVectors(self.known, self.known_items, self.new[kept], self.first)

    def cosines(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Cosines of pairs of known titles, by their places.  # (pairs,)"""
        return np.asarray(self.known[rows].multiply(self.known[columns]).sum(axis=1)).ravel()


def side_by_side(matches: csr_matrix, first: int) -> tuple[np.ndarray, np.ndarray]:
    """What `TitleVectors.entering` found as columns of a table, best first.  # (I, M) each

    Of item indices, from `first` on, with PAD where a row has fewer than M, and of cosines.
    """
    counts = np.diff(matches.indptr)
    rows = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((matches.indices, -matches.data, rows))
    places = rows, np.arange(len(rows)) - matches.indptr[rows]
    items = np.full((len(counts), counts.max(initial=0)), PAD, np.int32)
    cosines = np.zeros(items.shape, np.float32)
    items[places], cosines[places] = first + matches.indices[order], matches.data[order]
    return items, cosines


def _best(
    titles: csr_matrix, others: csr_matrix, count: int, itself_from: int | None
) -> csr_matrix:
    """The `count` best of `others` for each title; title i may be the other itself_from + i."""
    by_term = others.T.tocsr()
    blocks = []
    for block in row_blocks(_work(titles, by_term), PRODUCTS_AT_ONCE):
        cosines = (titles[block] @ by_term).tocoo()
        if itself_from is not None:
            cosines.data[cosines.row + block.start + itself_from == cosines.col] = 0
        blocks.append(best_per_row(cosines.tocsr(), count))
    return vstack(blocks, format="csr")


def _work(titles: csr_matrix, by_term: csr_matrix) -> np.ndarray:
    """How many products of two terms' weights each title takes.  # (titles,)"""
    return np.asarray((titles != 0) @ np.diff(by_term.indptr)).ravel()


def _at(matrix: csr_matrix, columns: np.ndarray, width: int) -> csr_matrix:
    """The matrix with its columns at other places."""
    found = matrix.tocoo()
    return csr_matrix((found.data, (found.row, columns[found.col])), (matrix.shape[0], width))
