"""What new items are given by their titles: vectors of items with like titles, and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx
from scipy.sparse import csr_matrix

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.extended_graph import (
    Extension,
    NeighbourRows,
    item_columns,
    item_rows,
    neighbour_rows,
)
from slmrec.export.item_tables import candidates_of
from slmrec.export.new_items import NewItems
from slmrec.neighbours.new_titles import TitleVectors, side_by_side
from slmrec.params.neighbours import TitleParams
from slmrec.runtime.items import ServedItems

TITLES = "titles"  # the table of neighbours by title, as a bundle's blend calls it
NOTHING_LIKE_IT = "no recommended item has a title with a word in common"
PAIRS = 10_000  # of known neighbours, whose weights are compared with their titles
# Of a stored weight from the cosine of the titles, both being float32.
ALLOWED_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class TitleSettings:
    """How titles make new items."""

    terms: TitleParams  # as in the pipeline's neighbours.titles
    like: int  # known items, those with the closest titles, whose vectors make a new item's


@dataclass(frozen=True)
class Trained:
    """What a bundle was when it was exported, before items were added."""

    rows: int  # PAD, UNK and the items
    title_neighbours: int | None  # of an item; None where the blend has none


def titled_extension(
    graph: onnx.ModelProto,
    served: ServedItems,
    terms: list[str],
    trained: Trained,
    new: NewItems,
    settings: TitleSettings,
) -> tuple[NewItems, Extension]:
    """The new items that titles place among those of a bundle's `model.onnx`, and their rows.

    `terms` are the tables of its neighbours, in their order. An item whose title is like none of a
    candidate's is left out. Raises DataError where the bundle has no titles, where no new item
    remains, and where its title neighbours were found by other settings than these.
    """
    candidates = candidates_of(served)
    vectors = _title_vectors(served, trained, new, settings.terms)
    like = vectors.best_of(candidates, settings.like)  # (n, I)
    placed = np.diff(like.indptr) > 0
    new = new.without(np.flatnonzero(~placed).tolist(), NOTHING_LIKE_IT)
    if not placed.any():
        raise DataError(
            f"none of {len(placed):,} new titles has a word in common with a title of a "
            "recommended item; new items come in with the next training alone"
        )
    vectors, like = vectors.only(np.flatnonzero(placed)), like[placed]
    tables, rows = neighbour_rows(graph), item_rows(graph)
    extend = partial(_title_rows, vectors, trained=trained, p=settings.terms)
    return new, Extension(
        old_rows=served.rows,
        old_candidates=served.candidates,
        # Half way to an unknown item, which the model has learnt to read: like items alone say too
        # much of one that shares a word with them.
        rows=(_mean_of(like, rows) + rows[UNK]) / 2,
        columns=_mean_of(like, item_columns(graph).T),
        added=np.zeros(len(new.ids), np.float32),
        neighbours=tuple(
            extend(table) if term == TITLES else None
            for term, table in zip(terms, tables, strict=True)
        ),
    )


def _title_vectors(
    served: ServedItems, trained: Trained, new: NewItems, p: TitleParams
) -> TitleVectors:
    titled = [place for place, title in enumerate(served.titles) if title and title.strip()]
    if not titled:
        raise DataError(
            "the bundle's items have no titles, so nothing is known of a new one; name the column "
            "of titles in prepare.items.columns.title and train again"
        )
    if not new.ids:
        raise DataError(f"none of the {len(new.left_out):,} new items has a title; give them one")
    known = [served.titles[place] or "" for place in titled]
    indices = np.array(titled, dtype=np.int64) + FIRST_ITEM
    of_training = int((indices < trained.rows).sum())
    return TitleVectors.of(known, indices, of_training, list(new.titles), served.rows, p)


def _mean_of(like: csr_matrix, rows: np.ndarray) -> np.ndarray:
    """The mean of like items' rows (I, E), weighted by how like they are.  # (n, E) float32"""
    shares = csr_matrix(like.multiply(1 / like.sum(axis=1)))
    return np.asarray(shares @ rows, dtype=np.float32)


def _title_rows(
    vectors: TitleVectors, table: NeighbourRows, trained: Trained, p: TitleParams
) -> NeighbourRows:
    """The table of title neighbours with the new items: as rows, and where they belong in rows.

    The neighbours that a known item has stay, in their places; new ones stand in further columns.
    """
    count = trained.title_neighbours or table.count
    scale = _scale(vectors, table, trained.rows, count, p)
    weakest = -np.sort(-table.weights, axis=1)[:, count - 1] / scale
    more, cosines = side_by_side(vectors.entering(weakest, count), vectors.first)
    own, own_cosines = side_by_side(vectors.best_of_all(count), 0)
    width = max(table.items.shape[1] + more.shape[1], own.shape[1])
    items = [_widened(part, width) for part in (np.hstack([table.items, more]), own)]
    weights = [
        _widened(part, width)
        for part in (np.hstack([table.weights, scale * cosines]), scale * own_cosines)
    ]
    return NeighbourRows(np.vstack(items), np.vstack(weights).astype(np.float32), count)


def _widened(table: np.ndarray, width: int) -> np.ndarray:
    """A table with columns of PAD, or of weight 0, behind its own."""
    return np.pad(table, ((0, 0), (0, width - table.shape[1])))


def _scale(
    vectors: TitleVectors, table: NeighbourRows, rows: int, count: int, p: TitleParams
) -> float:
    """What a cosine was multiplied with to become a weight in the table's `rows` and first columns.

    Raises DataError where that is not one number: then the titles were compared otherwise.
    """
    place = np.full(len(table.items), -1)
    place[vectors.known_items] = np.arange(len(vectors.known_items))
    items, columns = (table.items[:rows, :count] != PAD).nonzero()
    step = max(1, len(items) // PAIRS)
    items, columns = items[::step], columns[::step]
    cosines = vectors.cosines(place[items], place[table.items[items, columns]])
    ratios = table.weights[items, columns] / np.maximum(cosines, np.finfo(np.float32).tiny)
    scale = float(np.median(ratios))
    if not (np.abs(ratios - scale) <= ALLOWED_DIFFERENCE * scale).all():
        raise DataError(
            f"the bundle's title neighbours are not those of runs of {p.words} words and terms of "
            f"at most {p.most_titles:,} titles; give --words and --most-titles as "
            "neighbours.titles has them in the params.yaml that it was made with"
        )
    return scale
